import type { PoolClient } from 'pg';
import { afterEach, expect, test } from 'vitest';
import { requeueRunning } from '../../../../store/attempts/requeue.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import type { Act } from '../../../../store/operators/audit.ts';
import { resolveStep } from '../../../../store/operators/resolve.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask, retryTask } from '../../../support/operator.ts';
import { submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

// What is written down of a task as it was before a change is how the changed version of its row was: not how the statement
// first saw it, when another transaction has changed it meanwhile.

const { pool } = await createDatabase();
const ACT: Act = { actor: 'ann', reason: null, requestId: null };
const ERROR = `'{"error_type":"Error","message":"no luck","error_code":null,"retryable":true,"metadata":null,"stack":null}'::jsonb`;

const others: PoolClient[] = [];
afterEach(() => {
  for (const other of others.splice(0)) other.release(true);
});

/** Does something while another transaction has changed a row and not committed yet; it commits when the work waits for it. */
async function meanwhile<T>(
  change: (other: PoolClient) => Promise<unknown>,
  work: () => Promise<T>,
): Promise<T> {
  const other = await pool.connect();
  others.push(other);
  await other.query('begin');
  await change(other);
  const done = work();
  await until('it waits for the other transaction', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
  await other.query('commit');
  return done;
}

const set = (id: string, change: string) => (other: PoolClient) =>
  other.query(`update errand.tasks set ${change} where id = $1`, [id]);

/** What the audit trail says of a task, in order. */
async function audited(id: string): Promise<unknown[]> {
  const { rows } = await pool.query<{ details: unknown }>(
    'select details from errand.audit where task_id = $1 order by id',
    [id],
  );
  return rows.map(({ details }) => details);
}

test('of a task that begins meanwhile, a cancellation says that it was running', async () => {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: {} });
  const cancelled = await meanwhile(set(id, `state = 'running', runner_id = 7`), () => cancelTask(pool, id));
  expect(cancelled).toMatchObject({ state: 'running', runner_id: 7 });
  expect(await audited(id)).toEqual([{ state: 'running' }]);
});

test('of a task that ends otherwise meanwhile, a retry says how', async () => {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: {} });
  const ended = `dispatch_id = null, started_at = now(), finished_at = now()`;
  await pool.query(`update errand.tasks set state = 'cancelled', ${ended} where id = $1`, [id]);
  const failed = set(id, `state = 'failed', attempt = 4, error = ${ERROR}`);
  expect(await meanwhile(failed, () => retryTask(pool, id))).toMatchObject({ state: 'queued', attempt: 5 });
  expect(await audited(id)).toEqual([
    { state: 'failed', error_group: expect.stringMatching(/^example\.echo:/) },
  ]);
});

test('a task that is retried meanwhile is not retried twice', async () => {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: {} });
  await pool.query(
    `update errand.tasks set state = 'failed', error = ${ERROR}, started_at = now() where id = $1`,
    [id],
  );
  const both = await meanwhile(
    (other) => retryTask(other, id),
    () => retryTask(pool, id),
  );
  expect(both).toBeNull();
  expect(await audited(id)).toHaveLength(1);
});

test('of a step that fails meanwhile, a resolution says that it had failed', async () => {
  const parent = await submitOne(pool, { name: 'example.echo', payload: {} });
  await pool.query(
    `update errand.tasks set state = 'running', children = 1, pending = 1, dispatch_id = null where id = $1`,
    [parent.id],
  );
  const child = await submitOne(pool, { name: 'example.echo', payload: {} });
  await pool.query(`update errand.tasks set parent_id = $2, step = 'only', after = '{}' where id = $1`, [
    child.id,
    parent.id,
  ]);
  const step = { workflowId: parent.id, stepId: child.id };
  const resolution = { data: null, resolvedBy: 'ann', reason: 'done by hand' };
  const resolved = await meanwhile(set(child.id, `state = 'failed', error = ${ERROR}`), () =>
    resolveStep(pool, step, resolution, ACT, null),
  );
  expect(resolved).toMatchObject({ id: child.id, state: 'resolved' });
  expect(await audited(child.id)).toEqual([{ state: 'failed', resolved_by: 'ann' }]);
});

test('of an attempt that is written as a later one meanwhile, a recovery records that one', async () => {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: {} });
  const runner = await registerRunner(pool, {
    ...{ host: 'here', pid: 1, version: '1', taskNames: ['example.echo'], concurrency: 1, leaseSecs: 15 },
  });
  await pool.query(`update errand.runners set ended_at = now(), end_reason = 'lost' where id = $1`, [runner]);
  await pool.query(
    `update errand.tasks set state = 'running', runner_id = $2, started_at = now() where id = $1`,
    [id, runner],
  );
  const later = set(id, `attempt = 2, started_at = '2026-01-02T03:04:05Z'`);
  await meanwhile(later, () => requeueRunning(pool, { outcome: 'crashed', crashes: 9, how: null }));
  const { rows } = await pool.query(
    'select attempt, runner_id, started_at, outcome from errand.attempts where task_id = $1',
    [id],
  );
  expect(rows).toEqual([
    { attempt: 2, runner_id: runner, started_at: '2026-01-02T03:04:05.000Z', outcome: 'crashed' },
  ]);
});

test('of a task that fails meanwhile, a duplicate says what it was and had', async () => {
  const item = { name: 'example.echo', payload: { n: 1 }, dedup: { dedup: 'payload', key: null } } as const;
  const { id } = await submitOne(pool, item);
  const failed = set(
    id,
    `state = 'failed', error = ${ERROR}, started_at = now(), max_attempts = 3, attempt = 3`,
  );
  const [task] = await meanwhile(failed, () =>
    submit(pool, { ...item, callbackUrl: 'https://a.test/', submittedBy: 'key:ann' }),
  );
  expect(task).toMatchObject({ id, state: 'queued', attempt: 4, max_attempts: 4 });
  expect(await audited(id)).toEqual([
    { state: 'failed', max_attempts: [3, 4], callback_url: 'https://a.test/' },
  ]);
});

test('of a task that comes into being meanwhile, a duplicate says what it is and has', async () => {
  const item = { name: 'example.echo', payload: { n: 2 }, dedup: { dedup: 'payload', key: null } } as const;
  const [task] = await meanwhile(
    (other) => submit(other, { ...item, maxAttempts: 5, callbackUrl: 'https://b.test/' }),
    () => submit(pool, item),
  );
  expect(task).toMatchObject({ state: 'queued', max_attempts: 6 });
  expect(await audited(String(task?.id))).toEqual([{ state: 'queued', max_attempts: [5, 6] }]);
});
