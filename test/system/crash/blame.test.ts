import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { OUTLASTING, running, startFixtureRunner, steady } from '../../support/runners.ts';
import { countFetchedDispatches, finished, outcomes, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const work = (ms: number) => ({ name: 'fixture.work', payload: { ms } });
const killer = (how: string, ms: number) => ({ name: 'fixture.killer', payload: { how, ms } });
const LONG = 60_000;
const slots = { RUNNER_CONCURRENCY: '10', SHUTDOWN_TIMEOUT_SECS: '1' };

/** Keeps `count` runners up, as a supervisor would, until it is asked to stop; gives how often one ended. */
function supervise(url: string, count: number): { stop: () => Promise<number> } {
  let deaths = 0;
  const stopping = new AbortController();
  const stopped = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
  const keep = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const runner = await startFixtureRunner(url, { ...slots, RUNNER_LEASE_SECS: '4' });
      await Promise.race([runner.exited, stopped]);
      if (!stopping.signal.aborted) deaths++;
      runner.child.kill('SIGKILL');
      await runner.exited;
    }
  };
  const keeping = Promise.all(Array.from({ length: count }, keep));
  return {
    async stop() {
      stopping.abort();
      await keeping;
      return deaths;
    },
  };
}

test('F1: ten long tasks of a killed runner go on all at once elsewhere, within lease and heartbeat', async () => {
  const { url, pool } = await createDatabase();
  const [victim, survivor] = await Promise.all([
    startFixtureRunner(url, slots),
    startFixtureRunner(url, { ...slots, ...OUTLASTING }),
  ]);
  await steady(pool, 2);
  survivor.child.kill('SIGSTOP');
  const tasks = await submit(pool, ...Array.from({ length: 10 }, () => work(LONG)));
  await running(pool, 10);
  const waiting = await submit(pool, ...Array.from({ length: 5 }, () => work(1)));
  await until('the others are fetched ahead', async () => (await countFetchedDispatches(pool)) > 1);
  victim.child.kill('SIGKILL');
  survivor.child.kill('SIGCONT');
  const ids = tasks.map(({ id }) => id);
  // One after the other would take minutes.
  await until('all ten run again at the same time', async () => {
    const { rows } = await pool.query(
      `select from errand.tasks where id = any ($1) and state = 'running' and attempt = 2`,
      [ids],
    );
    return rows.length === 10;
  });
  const { rows } = await pool.query('select distinct crashes from errand.tasks where id = any ($1)', [ids]);
  expect(rows).toEqual([{ crashes: 1 }]);
  for (const { id } of waiting) expect(await getTask(pool, id)).toMatchObject({ attempt: 1, crashes: 0 });
  survivor.child.kill('SIGKILL');
});

test('X4: a task that kills whoever runs it is quarantined where it runs alone, and the process beside goes on', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [guilty, ...innocent] = await submit(
    pool,
    killer('exit', 700),
    work(1_500),
    work(1_500),
    work(1_500),
  );
  for (const task of [guilty, ...innocent]) history.ok(task?.id ?? '');
  const runners = supervise(url, 2);
  const task = await finished(pool, guilty?.id ?? '');
  await until('all have finished', () => allFinished(pool));
  expect(await runners.stop()).toBe(2);
  expect(task).toMatchObject({ state: 'failed', crashes: 3, error: { error_code: 'QUARANTINED' } });
  expect(task.error?.message).toBe(
    'Quarantined: its runner died under it 3 times, the last time while it ran with nothing beside it (exit code 7). Find out why before you retry it',
  );
  expect(await outcomes(pool, guilty?.id ?? '')).toEqual([
    [1, 'crashed'],
    [2, 'crashed'],
    [3, 'crashed'],
  ]);
  const last = await lastError(pool, guilty?.id ?? '');
  expect(last).toContain('and nothing else, ended before it did: exit code 7');
  for (const { id } of innocent) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  await history.check(pool);
});

async function lastError(pool: Pool, id: string): Promise<string> {
  const { rows } = await pool.query(
    `select error->>'message' as message from errand.attempts where task_id = $1 order by attempt desc limit 1`,
    [id],
  );
  return rows[0]?.message;
}

test('X4: who runs beside three different killers is never blamed, however they kill', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const killers = [];
  const innocent = await submit(pool, ...Array.from({ length: 3 }, () => work(3_000)));
  for (const { id } of innocent) history.ok(id);
  const runners = supervise(url, 1);
  for (const how of ['exit', 'kill', 'exit']) {
    await until('the innocents run, or are done', async () => {
      const { rows } = await pool.query(
        `select from errand.tasks where id = any ($1) and state in ('running', 'succeeded')`,
        [innocent.map(({ id }) => id)],
      );
      return rows.length > 0;
    });
    const { id } = await submitOne(pool, killer(how, 600));
    history.ok(id);
    killers.push(id);
    await until('it has killed', async () => ((await getTask(pool, id))?.crashes ?? 0) > 0);
  }
  for (const { id } of innocent) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  for (const id of killers) {
    expect(await finished(pool, id)).toMatchObject({ state: 'failed', error: { error_code: 'QUARANTINED' } });
  }
  await runners.stop();
  await history.check(pool);
});
