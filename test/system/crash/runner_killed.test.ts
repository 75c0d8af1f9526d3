import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { listAttempts } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { allFinished, recordHistory } from '../../support/history.ts';
import { startProcess } from '../../support/processes.ts';
import { LEASE, OUTLASTING, running, startRunners, steady, UNDER_WAY_MS } from '../../support/runners.ts';
import {
  countFetchedDispatches,
  finished,
  inState,
  outcomes,
  submit,
  submitOne,
} from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

/** Ends the backends that wait for a lock. */
async function endWaiting(pool: Pool): Promise<void> {
  // Those of this database: other tests have theirs on the same server.
  await pool.query(`
    select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`);
}

/** Two steady runners: one to be killed or stopped, and one that outlasts what happens to the other. */
async function startPair(url: string, pool: Pool, environment: Record<string, string> = {}) {
  const pair = await Promise.all([
    startRunners(url, 1, environment),
    startRunners(url, 1, { ...environment, ...OUTLASTING }),
  ]);
  await steady(pool, 2);
  return pair.flat();
}

const sleep = (ms: number) => ({ name: 'example.sleep', payload: { ms } });

test('F1: kill -9 in mid-batch with dispatches fetched ahead: nothing is lost and no attempt burned for what never started', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [victim, survivor] = await startPair(url, pool, { RUNNER_CONCURRENCY: '2' });
  survivor?.child.kill('SIGSTOP');
  const underWay = await submit(pool, sleep(UNDER_WAY_MS), sleep(UNDER_WAY_MS));
  await running(pool, 2);
  const waiting = await Promise.all(Array.from({ length: 10 }, () => submitOne(pool, sleep(1))));
  for (const { id } of [...underWay, ...waiting]) history.ok(id);
  await until('dispatches are fetched ahead', async () => (await countFetchedDispatches(pool)) > 1);
  victim?.child.kill('SIGKILL');
  survivor?.child.kill('SIGCONT');
  await until('all have finished', () => allFinished(pool));
  await history.check(pool);
  for (const { id } of underWay) {
    expect(await outcomes(pool, id)).toEqual([
      [1, 'crashed'],
      [2, 'succeeded'],
    ]);
  }
  for (const { id } of waiting) expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
});

test('F2: kill -9 between the end of the handler and the record: it runs again, and one outcome is recorded', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [victim, other] = await startPair(url, pool);
  other?.child.kill('SIGSTOP');
  const { id } = await submitOne(pool, sleep(UNDER_WAY_MS));
  history.ok(id);
  await inState(pool, id, 'running');
  // Its record waits for this lock, and dies waiting.
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from errand.tasks where id = $1 for update', [id]);
  await until('the record is under way', async () => {
    const { rows } = await pool.query(`
      select 1 from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%recorded as (%'`);
    return rows.length > 0;
  });
  victim?.child.kill('SIGKILL');
  await victim?.exited;
  // The backend of a dead client goes on until it notices: here it is ended, as the kernel of a dead host would.
  await endWaiting(pool);
  await holder.query('commit');
  holder.release();
  other?.child.kill('SIGCONT');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await outcomes(pool, id)).toEqual([
    [1, 'crashed'],
    [2, 'succeeded'],
  ]);
  await history.check(pool);
});

test('F3: kill -9 between the record and the removal of the dispatch: it is not run again, and the stale dispatch is dropped', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [victim] = await startRunners(url, 1);
  // The removal of the dispatch waits for this lock on the dispatch.
  const holder = await pool.connect();
  const { id } = await submitOne(pool, sleep(UNDER_WAY_MS));
  history.ok(id);
  await inState(pool, id, 'running');
  await holder.query('begin');
  await holder.query('select 1 from errand_worker._private_jobs for update');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  victim?.child.kill('SIGKILL');
  await victim?.exited;
  await endWaiting(pool);
  await holder.query('commit');
  holder.release();
  await startRunners(url, 1);
  await until(
    'the stale dispatch is dropped',
    async () => {
      const { rows } = await pool.query('select 1 from errand_worker._private_jobs');
      return rows.length === 0;
    },
    20_000,
  );
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(await outcomes(pool, id)).toEqual([[1, 'succeeded']]);
  await history.check(pool);
});

test('F8: a runner that is stopped past its lease records nothing when it goes on, and registers again', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const [zombie, other] = await startPair(url, pool, { RUNNER_CONCURRENCY: '1' });
  other?.child.kill('SIGSTOP');
  const { id } = await submitOne(pool, sleep(UNDER_WAY_MS));
  history.ok(id);
  await inState(pool, id, 'running');
  zombie?.child.kill('SIGSTOP');
  other?.child.kill('SIGCONT');
  const task = await finished(pool, id);
  expect(task).toMatchObject({ state: 'succeeded', attempt: 2 });
  zombie?.child.kill('SIGCONT');
  await until('the zombie has registered again', () => zombie?.output().includes('registering again'));
  const live = await until('both are live again', async () => {
    const { rows } = await pool.query<{ pid: number }>(
      'select pid from errand.runners where ended_at is null',
    );
    return rows.length === 2 && rows;
  });
  expect(live.map(({ pid }) => pid).sort()).toEqual([zombie?.child.pid, other?.child.pid].sort());
  expect(await finished(pool, id)).toEqual(task);
  expect((await listAttempts(pool, id)).map(({ outcome, runner }) => [outcome, runner?.pid])).toEqual([
    ['crashed', zombie?.child.pid],
    ['succeeded', other?.child.pid],
  ]);
  other?.child.kill('SIGKILL');
  const next = await submitOne(pool, sleep(1));
  history.ok(next.id);
  expect(await finished(pool, next.id)).toMatchObject({ state: 'succeeded' });
  await history.check(pool);
});

test('F9: a task that kills its runner is quarantined where it runs alone, and its neighbours succeed', async () => {
  const { url, pool } = await createDatabase();
  const history = recordHistory();
  const tasks = await submit(pool, ...Array.from({ length: 8 }, () => sleep(1)));
  const killer = await submitOne(pool, { name: 'example.crash', payload: {} });
  const neighbours = await submit(pool, ...Array.from({ length: 8 }, () => sleep(1)));
  for (const { id } of [...tasks, killer, ...neighbours]) history.ok(id);
  let deaths = 0;
  let isOver = false;
  const { promise: over, resolve: end } = Promise.withResolvers<'over'>();
  // As a supervisor would: a runner that died is started again.
  const keepAlive = async (): Promise<void> => {
    while (!isOver) {
      const runner = await startProcess('runner/main.ts', url, { ...LEASE, RUNNER_LEASE_SECS: '3' });
      if ((await Promise.race([runner.exited, over])) !== 'over') deaths++;
    }
  };
  const supervisors = [keepAlive(), keepAlive()];
  expect(await finished(pool, killer.id)).toMatchObject({
    state: 'failed',
    error: { error_code: 'QUARANTINED', retryable: false },
  });
  await until('all have finished', () => allFinished(pool));
  isOver = true;
  end('over');
  await Promise.all(supervisors);
  // Twice it was known, and the last time it had a process of its own, and no runner died. The first time nobody knew who it was,
  // as its start was not written yet; where the machine is busy it may have been.
  expect([2, 3]).toContain(deaths);
  for (const { id } of [...tasks, ...neighbours]) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  }
  expect(await outcomes(pool, killer.id)).toEqual([
    [1, 'crashed'],
    [2, 'crashed'],
    [3, 'crashed'],
  ]);
  await history.check(pool);
});
