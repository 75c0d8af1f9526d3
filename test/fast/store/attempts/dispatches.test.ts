import { randomUUID } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import {
  type LockedDispatch,
  lockedDispatches,
  readHandedOn,
  requeue,
  returnDispatches,
} from '../../../../store/attempts/dispatches.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { submit } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
const echo = { name: 'example.echo', payload: { message: 'x' } };

function register(): Promise<number> {
  return registerRunner(pool, {
    ...{ host: 'here', pid: 1, version: 'test', taskNames: ['example.echo'], concurrency: 1, leaseSecs: 15 },
  });
}

/** Tasks that share a dispatch, in its order, and its key. */
async function shared(count: number, more: { priority?: number; runAt?: string } = {}) {
  const tasks = await submit(pool, ...Array.from({ length: count }, () => ({ ...echo, ...more })));
  const keys = new Set(await dispatchesOf(tasks));
  expect(keys.size).toBe(1);
  const [key = ''] = keys;
  return { key: String(key), ids: tasks.map(({ id }) => id).sort(), tasks };
}

async function dispatchesOf(tasks: Pick<Task, 'id'>[]): Promise<(string | null)[]> {
  const { rows } = await pool.query<{ dispatchId: string | null }>(
    'select dispatch_id as "dispatchId" from errand.tasks where id = any ($1) order by id',
    [tasks.map(({ id }) => id)],
  );
  return rows.map(({ dispatchId }) => dispatchId);
}

/** What graphile-worker has under these keys, in the order in which it would bring them. */
async function jobs(keys: string[]) {
  const { rows } = await pool.query<{ key: string; payload: string[]; priority: number; run_at: string }>(
    `select j.key, p.payload, j.priority, j.run_at
       from errand_worker.jobs j
       join errand_worker._private_jobs p using (id)
      where j.key = any ($1)
      order by j.priority, j.run_at, j.id`,
    [keys],
  );
  return rows;
}

test('attempts go back in several dispatches at once: tasks name theirs, and each dispatch is due as the one before was', async () => {
  const runner = await register();
  const runAt = new Date(Date.now() - 60_000).toISOString();
  const { key, ids } = await shared(5, { priority: 7, runAt });
  const dispatches = [randomUUID(), randomUUID(), randomUUID()];
  const [a = '', b = '', c = ''] = dispatches;
  const given = [a, a, b, b].map((dispatchId, index) => ({ id: ids[index] ?? '', dispatchId }));
  const tasks = [...given, { id: ids[4] ?? '', dispatchId: c }];
  expect(await requeue(pool, runner, { key, tasks })).toEqual({ live: true });
  expect(await dispatchesOf(ids.map((id) => ({ id })))).toEqual([a, a, b, b, c]);
  const due = { priority: 7, run_at: runAt };
  expect(await jobs(dispatches)).toEqual([
    { key: a, payload: ids.slice(0, 2), ...due },
    { key: b, payload: ids.slice(2, 4), ...due },
    { key: c, payload: ids.slice(4), ...due },
  ]);
});

test('a task that names another dispatch meanwhile, or none, is left alone, and gets no dispatch', async () => {
  const runner = await register();
  const { key, ids } = await shared(3);
  const [first = '', second = '', third = ''] = ids;
  const [other, a, b, c] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
  await pool.query('update errand.tasks set dispatch_id = $2 where id = $1', [first, other]);
  await pool.query(`update errand.tasks set dispatch_id = null, state = 'cancelled' where id = $1`, [second]);
  const tasks = [
    { id: first, dispatchId: a },
    { id: second, dispatchId: b },
    { id: third, dispatchId: c },
  ];
  await requeue(pool, runner, { key, tasks });
  expect(await dispatchesOf(tasks)).toEqual([other, null, c]);
  expect((await jobs([a, b, c])).map((job) => job.key)).toEqual([c]);
  // Again, as after an answer that was lost: the dispatch that they came in is not theirs any more.
  const again = tasks.map(({ id }) => ({ id, dispatchId: randomUUID() }));
  expect(await requeue(pool, runner, { key, tasks: again })).toEqual({ live: true });
  expect(await dispatchesOf(tasks)).toEqual([other, null, c]);
});

test('a runner that is no longer live gives nothing back, and hears of it: another may be executing it', async () => {
  const runner = await register();
  await endRunner(pool, runner);
  const { key, ids, tasks } = await shared(2);
  const dispatches = [randomUUID(), randomUUID()];
  const given = ids.map((id, index) => ({ id, dispatchId: dispatches[index] ?? '' }));
  expect(await requeue(pool, runner, { key, tasks: given })).toEqual({ live: false });
  expect(await dispatchesOf(tasks)).toEqual([key, key]);
  expect(await jobs(dispatches)).toEqual([]);
});

/** Locks a dispatch as a pool of graphile-worker does that fetches it: Postgres's times are finer than ours. */
async function fetchDispatch(key: string, poolId: string): Promise<LockedDispatch> {
  await pool.query(
    `update errand_worker._private_jobs
        set locked_at = date_trunc('milliseconds', now()) + interval '999 microseconds', locked_by = $2, attempts = attempts + 1
      where key = $1 and locked_at is null`,
    [key, poolId],
  );
  const dispatch = (await lockedDispatches(pool, [poolId])).find((one) => one.key === key);
  if (dispatch === undefined) throw new Error(`${key} was not fetched by ${poolId}`);
  return dispatch;
}

async function lockOf(key: string) {
  const { rows } = await pool.query(
    'select locked_by, attempts from errand_worker._private_jobs where key = $1',
    [key],
  );
  return rows[0];
}

test('a dispatch that was fetched and not begun goes back once, however often that is said', async () => {
  const { key } = await shared(2);
  const fetched = await fetchDispatch(key, 'pool-a');
  expect(await lockOf(key)).toEqual({ locked_by: 'pool-a', attempts: 1 });
  await returnDispatches(pool, ['pool-b'], [fetched]);
  expect(await lockOf(key), 'of another pool').toEqual({ locked_by: 'pool-a', attempts: 1 });
  await returnDispatches(pool, ['pool-b', 'pool-a'], [fetched]);
  expect(await lockOf(key)).toEqual({ locked_by: null, attempts: 0 });
  // The answer was lost, and the same pool has fetched the dispatch again and begun it when it is said again.
  const again = await fetchDispatch(key, 'pool-a');
  expect(again.lockedAt).not.toBe(fetched.lockedAt);
  await returnDispatches(pool, ['pool-a'], [fetched]);
  expect(await lockOf(key)).toEqual({ locked_by: 'pool-a', attempts: 1 });
});

test('attempts go back to newer runners alone, who are told once of a name that is new', async () => {
  const runner = await register();
  const heard: string[] = [];
  const listener = await pool.connect();
  onTestFinished(() => listener.release(true));
  listener.on('notification', ({ channel }) => heard.push(channel));
  await listener.query('listen errand_handed_on');
  for (const round of [1, 2]) {
    const { key, ids } = await shared(3);
    const [plain, newer] = [randomUUID(), randomUUID()];
    const tasks = ids.map((id, index) =>
      index === 0 ? { id, dispatchId: plain } : { id, dispatchId: newer, needs: '2.0.0' },
    );
    expect(await requeue(pool, runner, { key, tasks })).toEqual({ live: true });
    const { rows } = await pool.query(
      `select task_identifier as name, key from errand_worker.jobs where key = any ($1) order by 1`,
      [[plain, newer]],
    );
    expect(rows, `round ${round}`).toEqual([
      { name: 'example.echo', key: plain },
      { name: 'example.echo@2.0.0', key: newer },
    ]);
    expect((await jobs([newer]))[0]?.payload).toEqual(ids.slice(1));
    // An answer after it tells that what was to come has come.
    await listener.query('select 1');
    expect(heard).toEqual(['errand_handed_on']);
  }
  expect(await readHandedOn(pool)).toEqual(['example.echo@2.0.0']);
});
