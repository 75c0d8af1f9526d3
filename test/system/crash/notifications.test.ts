import { Client, type Pool } from 'pg';
import { expect, test } from 'vitest';
import type { Handler, TaskDefinition } from '../../../core/task.ts';
import { isUnable } from '../../../store/database/pool.ts';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { startProxy } from '../../support/network/proxy.ts';
import { startOwnPostgres } from '../../support/postgres.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { startFixtureRunner } from '../../support/runners.ts';
import { finished, outcomes, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { work } from './fixtures/tasks.ts';

/** A runner polls every second; the rest is for a busy machine. Without polling a silent connection is noticed after minutes. */
const WITHIN_MS = 1_000 + 29_000;
/** None dies here: on a busy machine one that is late must not be taken for dead, and what it has be executed again. */
const LEASE = { RUNNER_LEASE_SECS: '15' };
const waiting = (ms: number) => ({ name: work.name, payload: { ms } });

/** Submits one task after the other and gives how long each waited for its start, by Postgres's clock. */
async function waits(pool: Pool, count: number, ok: (id: string) => void): Promise<number[]> {
  const list: number[] = [];
  for (let task = 0; task < count; task++) {
    const { id } = await submitOne(pool, waiting(1));
    ok(id);
    const { run_at, started_at } = await finished(pool, id);
    list.push(Date.parse(String(started_at)) - Date.parse(run_at));
  }
  return list;
}

test('F7: the connection that listens for new work is ended, or black-holed: polling goes on', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  const runner = await startFixtureRunner(proxy.url, LEASE);
  const listening = () =>
    until('the runner listens', () =>
      proxy.connections().find((connection) => connection.lastSent().includes('LISTEN "jobs:insert"')),
    );
  const first = await listening();
  await pool.query(`
    select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and query like 'LISTEN "jobs:insert"%'`);
  expect(Math.max(...(await waits(pool, 2, history.ok)))).toBeLessThan(WITHIN_MS);
  const second = await listening();
  expect(second).not.toBe(first);
  second.blackHole();
  expect(Math.max(...(await waits(pool, 3, history.ok)))).toBeLessThan(WITHIN_MS);
  for (const id of history.acknowledged()) {
    expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
    expect(runner.executions.get(id)).toBe(1);
  }
  await history.check(pool);
});

test('F17: a REPEATABLE READ transaction stays open under load while notifications get lost: latency is bounded', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const proxy = await startProxy(url);
  const runner = await startFixtureRunner(proxy.url, LEASE);
  const old = await pool.connect();
  await old.query('begin isolation level repeatable read');
  await old.query('select count(*) from errand.tasks');
  const listening = await until('the runner listens', () =>
    proxy.connections().find((connection) => connection.lastSent().includes('LISTEN "jobs:insert"')),
  );
  listening.blackHole();
  for (let round = 0; round < 10; round++) {
    const tasks = await submit(pool, ...Array.from({ length: 100 }, () => waiting(0)));
    for (const { id } of tasks) history.ok(id);
  }
  // They come by polling, however long the old transaction has made it: each of them is waited for.
  await waits(pool, 2, history.ok);
  await until('all have finished', () => allFinished(pool));
  await old.query('rollback');
  old.release();
  expect(runner.executions.size).toBe(1_002);
  expect([...new Set(runner.executions.values())]).toEqual([1]);
  await history.check(pool);
});

test('F17: the queue of notifications is full: submissions are refused, finished work is kept and written later', async () => {
  const { pool, url } = await startOwnPostgres({ settings: { max_notify_queue_pages: '64' } });
  const history = recordHistory();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const attempts: number[] = [];
  const handler: Handler = async (_payload, { attempt }) => {
    attempts.push(attempt);
    if (attempt > 1) return;
    await gate;
    throw new Error('a retry needs a dispatch, and that notifies');
  };
  const definition = work as unknown as TaskDefinition;
  await startTestRunner(pool, {
    leaseSecs: 3,
    registeredHandlers: new Map([registeredHandler(definition, handler)]),
  });
  const { id } = await submitOne(pool, waiting(1));
  history.ok(id);
  await until('it runs', () => attempts.length === 1);
  const deaf = new Client({ connectionString: url });
  deaf.on('error', () => {});
  await deaf.connect();
  await deaf.query('listen nobody');
  await deaf.query('begin; select 1');
  await until('the queue is full', () =>
    pool.query(`select pg_notify('nobody', repeat('x', 7900) || i) from generate_series(1, 8) i`).then(
      () => false,
      (error: unknown) => isUnable(error),
    ),
  );
  const refused: unknown = await submit(pool, waiting(1)).then(
    () => 'accepted',
    (error: unknown) => error,
  );
  expect(isUnable(refused)).toBe(true);
  history.failed();
  open();
  const end = performance.now() + 1_500;
  await until('its outcome could have been recorded', () => performance.now() > end);
  expect(await getTask(pool, id)).toMatchObject({ attempt: 1, finished_at: null });
  await deaf.end();
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(attempts).toEqual([1, 2]);
  expect(await outcomes(pool, id)).toEqual([
    [1, 'failed'],
    [2, 'succeeded'],
  ]);
  await history.check(pool);
});
