import { expect, test } from 'vitest';
import { handOver, tasksOfAttempts } from '../../../../store/attempts/hand_over.ts';
import type { Outcome } from '../../../../store/attempts/outcomes.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { reportRunning } from '../../../../store/attempts/running.ts';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { outcomes, submit } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
const error = {
  ...{ error_type: 'Interrupted', message: 'another one', error_code: 'INTERRUPTED' },
  ...{ retryable: true, metadata: null, stack: null },
};

/** Two tasks that run under a runner, and one that its pool has fetched. */
async function started() {
  const description = {
    host: 'here',
    pid: 1,
    version: 'test',
    taskNames: [],
    concurrency: 1,
    leaseSecs: 600,
  };
  const runner = await registerRunner(pool, description);
  await pool.query(`update errand.runners set pool_ids = '{pool}' where id = $1`, [runner]);
  const tasks = await submit(
    pool,
    ...Array.from({ length: 3 }, () => ({ name: 'example.sleep', payload: { ms: 1 } })),
  );
  const { rows } = await pool.query<{ id: string; dispatchId: string }>(
    'select id, dispatch_id as "dispatchId" from errand.tasks where id = any ($1) order by id',
    [tasks.map(({ id }) => id)],
  );
  await pool.query(
    `update errand_worker._private_jobs set locked_by = 'pool', locked_at = now() where key = any ($1)`,
    [rows.map(({ dispatchId }) => dispatchId)],
  );
  const reports = rows
    .slice(0, 2)
    .map(({ id, dispatchId }) => ({ id, dispatchId, attempt: 1, elapsedMs: 300, lines: [], progress: null }));
  await reportRunning(pool, runner, reports);
  return { runner, rows };
}

async function timedOut({ id, dispatchId }: { id: string; dispatchId: string }): Promise<Outcome> {
  const [task] = await tasksOfAttempts(pool, [id]);
  if (task === undefined) throw new Error('there is no such task');
  return {
    ...{ ...task, dispatchId, attempt: 1, durationMs: 300, lines: [], progress: null },
    ...{ kind: 'timed_out', error: { ...error, error_code: 'TIMEOUT' }, retryInMs: 60_000 },
  };
}

test('the guilty attempt has its outcome, the others go on at no cost, and the runner has left', async () => {
  const { runner, rows } = await started();
  const [guilty, beside, fetched] = rows;
  if (guilty === undefined || beside === undefined || fetched === undefined)
    throw new Error('three were submitted');
  const client = await pool.connect();
  expect(await handOver(client, runner, [await timedOut(guilty)], error)).toBe(true);
  expect(await outcomes(pool, guilty.id)).toEqual([[1, 'timed_out']]);
  expect(await outcomes(pool, beside.id)).toEqual([[1, 'interrupted']]);
  expect(await getTask(pool, guilty.id)).toMatchObject({ state: 'retrying', attempt: 2, max_attempts: 25 });
  expect(await getTask(pool, beside.id)).toMatchObject({
    state: 'queued',
    attempt: 2,
    max_attempts: 26,
    crashes: 0,
  });
  expect(await getTask(pool, fetched.id)).toMatchObject({ state: 'queued', attempt: 1, crashes: 0 });
  const { rows: locked } = await pool.query(
    'select from errand_worker._private_jobs where locked_by is not null',
  );
  expect(locked).toEqual([]);
  // Said again, it changes nothing.
  expect(await handOver(client, runner, [], error)).toBe(false);
  client.release();
});

test('a runner whose work was taken over hands nothing over', async () => {
  const { runner, rows } = await started();
  const [guilty] = rows;
  if (guilty === undefined) throw new Error('three were submitted');
  const outcome = await timedOut(guilty);
  await endRunner(pool, runner);
  const client = await pool.connect();
  expect(await handOver(client, runner, [outcome], error)).toBe(false);
  client.release();
  expect(await outcomes(pool, guilty.id)).toEqual([[1, 'running']]);
});
