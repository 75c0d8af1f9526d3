import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { endExpired, hasExpired } from '../../../../store/attempts/expire.ts';
import { loadDispatches } from '../../../../store/attempts/load.ts';
import { recordOutcomes } from '../../../../store/attempts/outcomes.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { reportRunning } from '../../../../store/attempts/running.ts';
import { takeSlots } from '../../../../store/limits/slots.ts';
import { getTask, type Task } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { retryTask } from '../../../support/operator.ts';
import { countDispatches, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();
const runnerId = await registerRunner(pool, {
  ...{ host: 'here', pid: 1, version: 'test', taskNames: ['t.x'], concurrency: 1, leaseSecs: 15 },
});

/** A task whose time is over for so long. */
async function over(more: Parameters<typeof submitOne>[1] | object = {}, seconds = 1): Promise<Task> {
  const task = await submitOne(pool, { name: 't.x', payload: {}, expiresInMs: 60_000, ...more });
  await pool.query(`update errand.tasks set expires_at = now() - make_interval(secs => $2) where id = $1`, [
    task.id,
    seconds,
  ]);
  return task;
}

async function dispatchOf(id: string): Promise<string> {
  const { rows } = await pool.query<{ dispatch_id: string }>(
    'select dispatch_id from errand.tasks where id = $1',
    [id],
  );
  return rows[0]?.dispatch_id ?? '';
}

const report = async (id: string, database: Pick<Pool, 'query'> = pool) =>
  reportRunning(database as Pool, runnerId, [
    { id, dispatchId: await dispatchOf(id), attempt: 1, elapsedMs: 0, lines: [], progress: null },
  ]);

const stateOf = async (id: string) => (await getTask(pool, id))?.state;

test('Q4: a task that has not started in time ends as expired, and says by when it was to start', async () => {
  const task = await over();
  expect(await hasExpired(pool)).toBe(true);
  expect(await endExpired(pool)).toEqual([{ name: 't.x', isOfSchedule: false }]);
  const ended = await getTask(pool, task.id);
  expect(ended).toMatchObject({ state: 'expired', attempt: 1, started_at: null, runner_id: null });
  expect(ended?.finished_at).not.toBeNull();
  expect(ended?.error).toEqual({
    error_type: 'Expired',
    message: `It did not start by ${ended?.expires_at?.replace('+00:00', 'Z')}`,
    error_code: 'EXPIRED',
    retryable: false,
    metadata: { expires_at: ended?.expires_at },
    stack: null,
  });
  expect(await endExpired(pool)).toEqual([]);
  expect(await hasExpired(pool)).toBe(false);
});

test('its time counts from when it is due, or from its submission if it was due before', async () => {
  const at = (time: string | null | undefined): number =>
    Math.round((Date.parse(time ?? '') - Date.now()) / 60_000);
  const expiry = async (more: object) =>
    at((await submitOne(pool, { name: 't.x', payload: {}, expiresInMs: 300_000, ...more })).expires_at);
  expect(await expiry({})).toBe(5);
  expect(await expiry({ delayMs: 600_000 })).toBe(15);
  expect(await expiry({ runAt: new Date(Date.now() - 3_600_000).toISOString() })).toBe(5);
  const last = await submitOne(pool, {
    name: 't.x',
    payload: {},
    expiresInMs: 9e9,
    runAt: '9999-12-31T23:59:59Z',
  });
  expect(last.expires_at).toMatch(/^9999-12-31/);
  expect((await submitOne(pool, { name: 't.x', payload: {} })).expires_at).toBeNull();
});

test('a task whose time is over is not loaded, and takes no slots', async () => {
  const task = await over();
  const key = await dispatchOf(task.id);
  expect(await loadDispatches(pool, [{ key, taskIds: [task.id] }])).toEqual([[]]);
  const took = await takeSlots(pool, runnerId, [{ id: task.id, dispatchId: key, keys: [] }]);
  expect(took).toEqual({ live: true, took: ['gone'] });
});

test('after its start is written it does not expire, whatever happens to the attempt', async () => {
  const [task] = await submit(pool, { name: 't.x', payload: {}, expiresInMs: 60_000 });
  const id = task?.id ?? '';
  const dispatchId = await dispatchOf(id);
  expect(await report(id)).toEqual(new Set([id]));
  expect(await getTask(pool, id)).toMatchObject({ state: 'running', expires_at: null });
  const error = {
    error_type: 'Error',
    message: 'x',
    error_code: null,
    retryable: true,
    metadata: null,
    stack: null,
  };
  await recordOutcomes(pool, runnerId, [
    {
      ...{
        id,
        dispatchId,
        name: 't.x',
        priority: 0,
        attempt: 1,
        durationMs: 1,
        parentId: null,
        hasChildren: false,
      },
      ...{ lines: [], progress: null, kind: 'failed', error, retryInMs: 1 },
    },
  ]);
  expect(await getTask(pool, id)).toMatchObject({ state: 'retrying', expires_at: null });
});

test('a start that comes too late is refused', async () => {
  const task = await over();
  expect(await report(task.id)).toEqual(new Set());
  await endExpired(pool);
  expect(await stateOf(task.id)).toBe('expired');
});

test('a task whose start is being written at this moment does not expire', async () => {
  const task = await over();
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`update errand.tasks set expires_at = now() + interval '1 hour' where id = $1`, [
      task.id,
    ]);
    expect(await report(task.id, client)).toEqual(new Set([task.id]));
    const ending = endExpired(pool);
    await until('the other statement waits for the start', () => isBlocked());
    await client.query('commit');
    expect(await ending).toEqual([]);
  } finally {
    client.release();
  }
  expect(await stateOf(task.id)).toBe('running');
});

async function isBlocked(): Promise<boolean> {
  const { rows } = await pool.query<{ is: boolean }>(
    `select exists (select from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock') as is`,
  );
  return rows[0]?.is === true;
}

test('a duplicate of a task whose time is over is a new chance for it, before and after it has ended', async () => {
  const dedup = { dedup: 'key', key: 'once' } as const;
  const task = await over({ dedup });
  const again = await submitOne(pool, { name: 't.x', payload: { n: 2 }, dedup, expiresInMs: 120_000 });
  expect(again).toMatchObject({ id: task.id, state: 'queued', payload: { n: 2 } });
  expect(Date.parse(again.expires_at ?? '')).toBeGreaterThan(Date.now() + 60_000);
  expect(await endExpired(pool)).toEqual([]);
  await pool.query(`update errand.tasks set expires_at = now() where id = $1`, [task.id]);
  expect(await endExpired(pool)).toHaveLength(1);
  const last = await submitOne(pool, { name: 't.x', payload: {}, dedup });
  expect(last).toMatchObject({
    id: task.id,
    state: 'queued',
    expires_at: null,
    error: null,
    finished_at: null,
  });
});

test('a retry by an operator runs it without a limit of its start', async () => {
  const task = await over();
  await endExpired(pool);
  expect(await retryTask(pool, task.id)).toMatchObject({
    state: 'queued',
    attempt: 1,
    expires_at: null,
    error: null,
  });
});

test('its dispatch is removed, unless other tasks share it', async () => {
  await pool.query('truncate errand.tasks, errand_worker._private_jobs cascade');
  const [first, second] = await submit(
    pool,
    { name: 't.x', payload: {}, expiresInMs: 60_000 },
    { name: 't.x', payload: {}, expiresInMs: 60_000 },
  );
  expect(await countDispatches(pool)).toBe(1);
  for (const [task, left] of [
    [first, 1],
    [second, 0],
  ] as const) {
    await pool.query(`update errand.tasks set expires_at = now() where id = $1`, [task?.id]);
    expect(await endExpired(pool)).toHaveLength(1);
    expect(await countDispatches(pool)).toBe(left);
  }
});
