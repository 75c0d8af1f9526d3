import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { fill } from '../fill.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

// What became of the tasks of a bulk operation (specification U4).

const { pool } = await createDatabase();
const api = await startApi(pool, { authenticate: authenticateByWords });
const ANN = as('ann of *');

const failed = (count: number, tag: string, name = 'example.echo'): Promise<string[]> =>
  fill(
    pool,
    Array.from({ length: count }, () => ({
      ...{ name, state: 'failed' as const, error: 'no', finished: '2026-01-01T00:00:00Z', tags: [tag] },
    })),
  );

const retry = async (tag: string, more: object = {}) =>
  (await api.call('POST', '/v1/tasks/retry', { filter: { tag }, ...more }, ANN)).body;

const standing = (id: string, words = 'ann of *') => api.call('GET', `/v1/bulk/${id}`, undefined, as(words));

const setState = (ids: string[], state: string) =>
  pool.query(
    `update errand.tasks
        set state = $2, started_at = now(), finished_at = case when $2 = 'running' then null else now() end,
            result = case when $2 = 'succeeded' then '{}'::jsonb end, dispatch_id = null
      where id = any ($1)`,
    [ids, state],
  );

test('after a retry it says how many were retried, succeeded, failed again, and go on', async () => {
  const [first = '', second = '', third = '', fourth = ''] = await failed(4, 'after');
  const { bulk_id } = await retry('after', { reason: 'the bank is up' });
  expect((await standing(bulk_id)).body).toMatchObject({
    ...{ bulk_id, changed: 4, changed_is_capped: false, states: { queued: 4 }, removed: 0 },
    operation: { action: 'bulk_retry', actor: 'user:ann', reason: 'the bank is up' },
  });
  await setState([first], 'succeeded');
  await setState([second], 'failed');
  await setState([third], 'running');
  await pool.query('delete from errand.tasks where id = $1', [fourth]);
  expect((await standing(bulk_id)).body).toMatchObject({
    ...{ changed: 4, removed: 1, states: { succeeded: 1, failed: 1, running: 1 } },
  });
});

test('a dry run has no id, and a paced operation has that of its task', async () => {
  await failed(2, 'paced');
  expect(await retry('paced', { dry_run: true })).toMatchObject({ bulk_id: null });
  const { bulk_id, task } = await retry('paced', { per_second: 1 });
  expect(bulk_id).toBe(task.id);
  // Nothing was changed yet, and the operation is known.
  expect((await standing(bulk_id)).body).toMatchObject({
    ...{ changed: 0, states: {}, operation: { action: 'bulk_retry' } },
  });
});

test('a cancellation has the same figures', async () => {
  const ids = await fill(pool, [{ state: 'queued', tags: ['stop'] }]);
  const { body } = await api.call('POST', '/v1/tasks/cancel', { filter: { tag: 'stop' } }, ANN);
  expect(ids).toHaveLength(1);
  expect((await standing(body.bulk_id)).body).toMatchObject({
    ...{ changed: 1, states: { cancelled: 1 }, operation: { action: 'bulk_cancel' } },
  });
});

test('others see the tasks of their namespaces, and operators alone', async () => {
  await failed(2, 'shared');
  await failed(1, 'shared', 'text.count_words');
  const { bulk_id } = await retry('shared');
  expect((await standing(bulk_id, 'bob of text')).body).toMatchObject({ changed: 1, operation: null });
  expectError(await standing(bulk_id, 'eve of billing'), { status: 404, code: 'NOT_FOUND' });
  expectError(await standing(bulk_id, 'bob of text may read'), { status: 403, code: 'FORBIDDEN' });
});

test('an unknown operation is not found, and no id is refused', async () => {
  expectError(await standing(randomUUID()), { status: 404, code: 'NOT_FOUND' });
  expect((await standing('nothing')).status).toBe(400);
});

test('a large operation costs a bounded read', async () => {
  const bulk = randomUUID();
  await pool.query(
    `insert into errand.audit (actor, action, task_id, namespace, target, details)
     select 'user:ann', 'retry', errand.uuidv7(), 'example', 'example.echo', jsonb_build_object('bulk', $1::text)
       from generate_series(1, 10001)`,
    [bulk],
  );
  expect((await standing(bulk)).body).toMatchObject({
    ...{ changed: 10_000, changed_is_capped: true, removed: 10_000, states: {} },
  });
});
