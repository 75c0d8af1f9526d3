import { beforeEach, expect, test } from 'vitest';
import { heartbeat } from '../../../store/attempts/lease.ts';
import { recoverLostRunners } from '../../../store/attempts/recovery.ts';
import { deleteExpired } from '../../../store/attempts/retention.ts';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { reportRunning } from '../../../store/attempts/running.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { createDatabase } from '../../support/database.ts';
import { startTestRunner } from '../../support/runner.ts';
import { finished, inState, outcomes } from '../../support/tasks.ts';
import { diamond, diamondCode } from './shapes.ts';
import { forked, newPlay, startForked } from './shapes_forked.ts';
import { childrenOf, registeredHandlersOf, stepOf, submitWorkflow } from './workflows.ts';

const { pool } = await createDatabase();
await registerDefinitions(pool, [diamond, forked]);
beforeEach(async () => {
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

/** A runner for a single task with a lease of 10 s that has been steady for long. */
async function runner(): Promise<number> {
  const description = { host: 'here', pid: 1, version: 'test', taskNames: [], concurrency: 1 };
  const id = await registerRunner(pool, { ...description, leaseSecs: 10, parentId: 0 });
  await pool.query(`update errand.runners set steady_since = now() - interval '1 hour' where id = $1`, [id]);
  return id;
}

/** Shows a task as running under a runner, loses that runner, and has another one recover. */
async function loseRunnerOf(id: string): Promise<Awaited<ReturnType<typeof recoverLostRunners>>> {
  const [lost, other] = [await runner(), await runner()];
  const { rows } = await pool.query<{ dispatchId: string; attempt: number }>(
    'select dispatch_id as "dispatchId", attempt from errand.tasks where id = $1',
    [id],
  );
  const { dispatchId = '', attempt = 0 } = rows[0] ?? {};
  const report = { id, dispatchId, attempt, elapsedMs: 300, lines: [], progress: null };
  expect(await reportRunning(pool, lost, [report])).toEqual(new Set([id]));
  await pool.query(`update errand.runners set heartbeat_at = now() - interval '11 seconds' where id = $1`, [
    lost,
  ]);
  await heartbeat(pool, other, 0);
  return recoverLostRunners(pool, other);
}

test('a step whose runner is lost is queued again, and its workflow does not mind', async () => {
  const { id } = await submitWorkflow(pool, diamond, { value: 5 });
  const { id: double } = await stepOf(pool, id, 'double');
  expect(await loseRunnerOf(double)).toMatchObject({ requeued: [double], quarantined: [] });
  expect(await inState(pool, id, 'running')).toMatchObject({ attempt: 1 });
  await startTestRunner(pool, {
    registeredHandlers: new Map(registeredHandlersOf(pool, diamond, diamondCode)),
  });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1, result: { value: 20 } });
  expect(await outcomes(pool, double)).toEqual([
    [1, 'crashed'],
    [2, 'succeeded'],
  ]);
});

test('a step that is quarantined fails its workflow, which names it', async () => {
  const play = newPlay();
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  const { id: broken } = await stepOf(pool, id, 'broken');
  for (const quarantined of [[], [], [], [], [broken]]) {
    expect(await loseRunnerOf(broken)).toMatchObject({ quarantined });
  }
  await startForked(pool, play);
  const { state, error } = await finished(pool, id);
  expect(state).toBe('failed');
  expect(error).toMatchObject({ error_code: 'STEP_FAILED' });
  expect(error?.message).toContain('1 of 4 did not succeed: broken failed: Quarantined');
  expect(await childrenOf(pool, id)).toMatchObject({ beside: 'succeeded 1', on_failure: 'succeeded 1' });
});

test('a workflow whose runner is lost in its own attempt makes it again, and its steps stay done', async () => {
  const play = newPlay();
  const starting = await startForked(pool, play);
  const { id } = await submitWorkflow(pool, forked, { value: 1 });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  await starting.stop();
  // As it was before that attempt.
  await pool.query(
    `update errand.tasks set state = 'queued', dispatch_id = gen_random_uuid(), finished_at = null, runner_id = null, result = null
      where id = $1`,
    [id],
  );
  expect(await loseRunnerOf(id)).toMatchObject({ requeued: [id] });
  await startForked(pool, play);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(play.ran).toHaveLength(4);
});

test('retention takes a finished workflow with its steps, and no step of one that goes on', async () => {
  const play = newPlay();
  await startForked(pool, play);
  const [done, open, failed] = [
    await submitWorkflow(pool, forked, { value: 1 }),
    await submitWorkflow(pool, diamond, { value: 2 }),
    await submitWorkflow(pool, forked, { value: 3 }),
  ];
  for (const { id } of [done, failed]) await finished(pool, id);
  await pool.query(
    `update errand.tasks set state = 'succeeded', finished_at = now() where parent_id = $1 and step = 'double'`,
    [open.id],
  );
  await pool.query(`update errand.tasks set finished_at = finished_at - interval '25 hours' where id <> $1`, [
    failed.id,
  ]);
  expect(await deleteExpired(pool, { finished: 24, failed: 24 }, 1_000)).toBe(1);
  const { rows } = await pool.query<{ id: string; tasks: number }>(
    `select coalesce(parent_id, id) as id, count(*)::integer as tasks from errand.tasks group by 1 order by 1`,
  );
  expect(rows).toEqual([
    { id: open.id, tasks: 5 },
    { id: failed.id, tasks: 6 },
  ]);
});
