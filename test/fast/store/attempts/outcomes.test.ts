import { expect, test } from 'vitest';
import type { ErrorRecord } from '../../../../core/errors.ts';
import { loadDispatches } from '../../../../store/attempts/load.ts';
import { type Outcome, recordOutcomes } from '../../../../store/attempts/outcomes.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { type RunningReport, reportRunning } from '../../../../store/attempts/running.ts';
import { getTask, listAttempts, type Task } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { countDispatches, submit, submitOne } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
const runnerId = await register();
const error: ErrorRecord = {
  error_type: 'Error',
  message: 'no luck',
  error_code: 'E1',
  retryable: true,
  metadata: { a: 1 },
  stack: null,
};

function register(): Promise<number> {
  return registerRunner(pool, {
    host: 'here',
    pid: 1,
    version: 'test',
    taskNames: ['example.echo'],
    concurrency: 1,
    leaseSecs: 15,
  });
}

/** A task with the dispatch that it named when it was read. */
type DispatchedTask = Task & { dispatchId: string };

const echo = async (): Promise<DispatchedTask> =>
  withDispatch(await submitOne(pool, { name: 'example.echo', payload: { message: 'x' }, maxAttempts: 2 }));

async function withDispatch(task: Task): Promise<DispatchedTask> {
  return { ...task, dispatchId: String(await dispatchOf(task)) };
}

function succeeded(task: DispatchedTask, result: unknown = { ok: true }): Outcome {
  return {
    id: task.id,
    dispatchId: task.dispatchId,
    parentId: null,
    hasChildren: false,
    name: task.name,
    priority: task.priority,
    attempt: task.attempt,
    durationMs: 40,
    lines: [],
    progress: null,
    kind: 'succeeded',
    result: JSON.stringify(result),
  };
}

function failed(task: DispatchedTask, retryInMs: number | null = 1_000): Outcome {
  return { ...succeeded(task), kind: 'failed', error, retryInMs };
}

function running(task: DispatchedTask, elapsedMs: number): RunningReport {
  return {
    id: task.id,
    dispatchId: task.dispatchId,
    attempt: task.attempt,
    elapsedMs,
    lines: [],
    progress: null,
  };
}

async function read(task: Task): Promise<Task> {
  const found = await getTask(pool, task.id);
  if (found === null) throw new Error('the task is gone');
  return found;
}

async function dispatchOf(task: Task): Promise<string | null> {
  const { rows } = await pool.query<{ dispatchId: string | null }>(
    'select dispatch_id as "dispatchId" from errand.tasks where id = $1',
    [task.id],
  );
  return rows[0]?.dispatchId ?? null;
}

const NOTHING_HANDED_OFF = { held: [], ended: new Set() };

test('a success is recorded with its result, its times and its runner, and needs no row in attempts', async () => {
  const task = await echo();
  const recorded = await recordOutcomes(pool, runnerId, [succeeded(task, { said: 'x' })]);
  expect(recorded).toEqual({
    ...{ fenced: false, ids: new Set([task.id]), failedOfSchedules: [] },
    ...NOTHING_HANDED_OFF,
  });
  const after = await read(task);
  expect(after).toMatchObject({
    state: 'succeeded',
    result: { said: 'x' },
    attempt: 1,
    runner_id: runnerId,
    error: null,
  });
  expect(Date.parse(String(after.finished_at)) - Date.parse(String(after.started_at))).toBeGreaterThanOrEqual(
    39,
  );
  expect(await dispatchOf(task)).toBeNull();
  expect((await pool.query('select 1 from errand.attempts where task_id = $1', [task.id])).rowCount).toBe(0);
  expect(await listAttempts(pool, task.id)).toMatchObject([
    { attempt: 1, outcome: 'succeeded', runner: { host: 'here' } },
  ]);
});

test('exactly one outcome is recorded for an attempt', async () => {
  const task = await echo();
  await recordOutcomes(pool, runnerId, [succeeded(task, 1)]);
  const again = await recordOutcomes(pool, runnerId, [failed(task), succeeded(task, 2)]);
  expect(again.ids).toEqual(new Set());
  expect(await read(task)).toMatchObject({ state: 'succeeded', result: 1 });
  expect(await listAttempts(pool, task.id)).toHaveLength(1);
});

test('a failure is tried again after its delay with a dispatch of its own, until the attempts are used up', async () => {
  const task = await echo();
  const firstDispatch = await dispatchOf(task);
  await recordOutcomes(pool, runnerId, [failed(task, 900)]);
  const retrying = await withDispatch(await read(task));
  expect(retrying).toMatchObject({
    state: 'retrying',
    attempt: 2,
    started_at: null,
    finished_at: null,
    error,
  });
  const secondDispatch = await dispatchOf(task);
  expect(secondDispatch).not.toBe(firstDispatch);
  const jobs = await pool.query(
    `select j.payload, j.run_at = t.run_at as due_together, t.run_at > now() as delayed
       from errand_worker._private_jobs j
       join errand.tasks t on t.dispatch_id::text = j.key
      where t.id = $1`,
    [task.id],
  );
  expect(jobs.rows).toEqual([{ payload: [task.id], due_together: true, delayed: true }]);
  await recordOutcomes(pool, runnerId, [failed(retrying)]);
  expect(await read(task)).toMatchObject({ state: 'failed', attempt: 2, error });
  expect(await dispatchOf(task)).toBeNull();
  expect(await listAttempts(pool, task.id)).toMatchObject([
    { attempt: 1, outcome: 'failed', error },
    { attempt: 2, outcome: 'failed', error },
  ]);
});

test('an outcome of an attempt that is over changes nothing', async () => {
  const task = await echo();
  await recordOutcomes(pool, runnerId, [failed(task)]);
  const late = await recordOutcomes(pool, runnerId, [succeeded(task)]);
  expect(late.ids.size).toBe(0);
  expect(await read(task)).toMatchObject({ state: 'retrying', attempt: 2 });
});

test('a failure that is not worth retrying is final at once', async () => {
  const task = await echo();
  await recordOutcomes(pool, runnerId, [failed(task, null)]);
  expect(await read(task)).toMatchObject({ state: 'failed', attempt: 1, max_attempts: 2 });
});

test('an interrupted attempt is queued again at once and costs no attempt of the budget', async () => {
  const task = await echo();
  await recordOutcomes(pool, runnerId, [{ ...succeeded(task), kind: 'interrupted', error }]);
  expect(await read(task)).toMatchObject({ state: 'queued', attempt: 2, max_attempts: 3, error: null });
  expect(await listAttempts(pool, task.id)).toMatchObject([{ attempt: 1, outcome: 'interrupted' }]);
});

test('retries that fall due together share a dispatch, and others do not', async () => {
  const submitted = await submit(
    pool,
    ...Array.from({ length: 5 }, (_, index) => ({
      name: 'example.echo',
      payload: {},
      priority: index === 4 ? 9 : 0,
    })),
  );
  const tasks = await Promise.all(submitted.map(withDispatch));
  const before = await countDispatches(pool);
  const delays = [1_010, 1_100, 1_240, 5_000, 1_100];
  await recordOutcomes(
    pool,
    runnerId,
    tasks.map((task, index) => failed(task, delays[index])),
  );
  const dispatches = await Promise.all(tasks.map(dispatchOf));
  expect(new Set(dispatches.slice(0, 3)).size).toBe(1);
  expect(new Set(dispatches).size).toBe(3);
  expect(await countDispatches(pool)).toBe(before + 3);
});

test('a runner that is no longer live records nothing and is told so', async () => {
  const task = await echo();
  const gone = await register();
  await endRunner(pool, gone);
  expect(await recordOutcomes(pool, gone, [succeeded(task)])).toEqual({
    fenced: true,
    ids: new Set(),
    failedOfSchedules: [],
    ...NOTHING_HANDED_OFF,
  });
  expect(await read(task)).toMatchObject({ state: 'queued' });
  await reportRunning(pool, gone, [running(task, 500)]);
  expect(await read(task)).toMatchObject({ state: 'queued' });
});

test('a runner that is ended while it records is fenced: the record waits and then sees it', async () => {
  const task = await echo();
  const doomed = await register();
  const other = await pool.connect();
  await other.query('begin');
  await other.query(`select 1 from errand.runners where id = $1 for update`, [doomed]);
  const recording = recordOutcomes(pool, doomed, [succeeded(task)]);
  await other.query(`update errand.runners set ended_at = now(), end_reason = 'lost' where id = $1`, [
    doomed,
  ]);
  await other.query('commit');
  other.release();
  expect((await recording).fenced).toBe(true);
  expect(await read(task)).toMatchObject({ state: 'queued' });
});

test('what still runs after a moment is shown as running, and its outcome is recorded all the same', async () => {
  const task = await echo();
  await reportRunning(pool, runnerId, [running(task, 300)]);
  expect(await read(task)).toMatchObject({ state: 'running', runner_id: runnerId });
  expect(await listAttempts(pool, task.id)).toMatchObject([
    { attempt: 1, outcome: 'running', finished_at: null },
  ]);
  await recordOutcomes(pool, runnerId, [succeeded(task)]);
  expect(await read(task)).toMatchObject({ state: 'succeeded' });
  await reportRunning(pool, runnerId, [running(task, 400)]);
  expect(await read(task)).toMatchObject({ state: 'succeeded' });
});

test('only the dispatch that a task names finds its attempt due', async () => {
  const task = await echo();
  const key = String(await dispatchOf(task));
  const stale = '00000000-0000-4000-8000-000000000000';
  const begun = await loadDispatches(pool, [
    { key: stale, taskIds: [task.id] },
    { key, taskIds: [task.id] },
  ]);
  expect(begun.map((due) => due.map(({ id, attempt }) => [id, attempt]))).toEqual([[], [[task.id, 1]]]);
  await recordOutcomes(pool, runnerId, [succeeded(task)]);
  expect(await loadDispatches(pool, [{ key, taskIds: [task.id] }])).toEqual([[]]);
});
