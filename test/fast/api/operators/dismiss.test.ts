import { expect, test } from 'vitest';
import { dismissTask } from '../../../../store/operators/dismiss.ts';
import { retryTask } from '../../../../store/operators/retry.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';
import { submitWithStep } from '../../contracts/statuses_requests.ts';
import { expectError } from '../ledger.ts';
import { as, authenticateByWords } from '../principals.ts';

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
const api = await startApi(pool, { authenticate: authenticateByWords });
const ANN = as('ann of *');

/** Records a failure of a task, as a runner does. */
async function fail(id: string, message = 'no such order'): Promise<string> {
  await pool.query(
    `update errand.tasks
        set state = 'failed', finished_at = now(), dispatch_id = null,
            error = jsonb_build_object('error_type', 'Error', 'message', $2::text, 'error_code', null,
                                       'retryable', true, 'metadata', null, 'stack', null)
      where id = $1`,
    [id, message],
  );
  return id;
}

async function failed(name = 'example.echo', message?: string): Promise<string> {
  const { id } = await submitOne(pool, { name, payload: { message: 'a' } });
  return fail(id, message);
}

const dismiss = (id: string, who = ANN, body: object = { reason: 'paid by phone' }) =>
  api.call('POST', `/v1/tasks/${id}/dismiss`, body, who);
const get = async (path: string) => (await api.call('GET', path, undefined, ANN)).body;

test('a dismissed task stays failed with its record, and no longer counts among the errors', async () => {
  const id = await failed('example.echo', 'dismissed alone');
  const other = await failed('example.echo', 'dismissed alone');
  const [group] = (await get('/v1/errors')).groups;
  expect(group).toMatchObject({ count: 2 });
  expect(await dismiss(id)).toMatchObject({
    status: 200,
    body: {
      task: { id, state: 'failed', dismissed_at: expect.any(String), error: { message: 'dismissed alone' } },
    },
  });
  expect((await get('/v1/errors')).groups).toMatchObject([{ count: 1, example: { task_id: other } }]);
  const ofGroup = `error_group=${encodeURIComponent(group.error_group)}`;
  expect((await get(`/v1/tasks?${ofGroup}`)).tasks).toMatchObject([{ id: other }]);
  expect((await get('/v1/tasks?dismissed=true')).tasks).toMatchObject([{ id, state: 'failed' }]);
  expect((await get('/v1/tasks?state=failed&dismissed=false')).tasks).toMatchObject([{ id: other }]);
  await dismiss(other);
  expect((await get('/v1/errors')).groups).toEqual([]);
});

test('the act is in the audit trail, once, with its reason', async () => {
  const id = await failed();
  await dismiss(id);
  const again = await dismiss(id, ANN, { reason: 'twice' });
  expect(again).toMatchObject({ status: 200, body: { message: 'The failed task was dismissed before' } });
  const { entries } = await get(`/v1/audit?task_id=${id}`);
  expect(entries).toMatchObject([
    { action: 'dismiss', actor: 'user:ann', reason: 'paid by phone', target: 'example.echo' },
  ]);
});

test('its explanation begins with who dismissed it, and why', async () => {
  const id = await failed();
  await dismiss(id);
  const explained = await get(`/v1/tasks/${id}/explain`);
  expect(explained.reasons).toMatchObject([
    { code: 'dismissed', actor: 'user:ann', reason: 'paid by phone' },
    { code: 'attempts_exhausted' },
  ]);
  expect(explained.summary).toMatch(
    /^example\.echo has failed: user:ann dismissed it .* ago, because: paid by phone\.$/,
  );
});

test('a retry takes it back, and a new failure counts again', async () => {
  const id = await failed('example.echo', 'comes back');
  await dismiss(id);
  const retried = await api.call('PATCH', `/v1/tasks/${id}/retry`, undefined, ANN);
  expect(retried.body.task).toMatchObject({ state: 'queued', dismissed_at: null });
  await fail(id, 'comes back');
  expect(await get(`/v1/tasks/${id}`)).toMatchObject({ state: 'failed', dismissed_at: null });
  expect((await get('/v1/errors?name=example.echo')).groups).toMatchObject([
    { count: 1, message: 'comes back' },
  ]);
  expect((await dismiss(id)).body.task.dismissed_at).not.toBeNull();
});

test('a retry by filter leaves dismissed tasks out, unless the filter asks for them', async () => {
  const id = await failed('example.sleep');
  await dismiss(id);
  const retry = (filter: object) => api.call('POST', '/v1/tasks/retry', { filter }, ANN);
  expect((await retry({ name: 'example.sleep' })).body).toMatchObject({ matched: 0, changed: 0 });
  expect((await retry({ name: 'example.sleep', dismissed: true })).body).toMatchObject({ changed: 1 });
});

test('with a workflow its failed parts are dismissed', async () => {
  const { id, stepId } = await submitWithStep(pool);
  await fail(stepId, 'in the step');
  await fail(id, 'in the workflow');
  expect(
    (await get('/v1/errors?namespace=example')).groups.map(({ message }: { message: string }) => message),
  ).toEqual(expect.arrayContaining(['in the step', 'in the workflow']));
  await dismiss(id);
  const messages = (await get('/v1/errors')).groups.map(({ message }: { message: string }) => message);
  expect(messages).not.toContain('in the step');
  expect(messages).not.toContain('in the workflow');
  expect((await get(`/v1/audit?task_id=${id}`)).entries[0].details).toMatchObject({ parts: 1 });
});

test('only a failed task can be dismissed, with a reason, by an operator of its namespace', async () => {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'a' } });
  expectError(await dismiss(id), { status: 400, code: 'BAD_REQUEST' });
  const one = await failed();
  expect(await dismiss(one, ANN, {})).toMatchObject({
    status: 400,
    body: { details: [{ path: '/body/reason' }] },
  });
  expectError(await dismiss(one, as('eve of * may read,submit')), { status: 403, code: 'FORBIDDEN' });
  expectError(await dismiss(one, as('eve of text')), { status: 403, code: 'FORBIDDEN' });
  expectError(await dismiss('01a1fda3-8ecb-7e32-bbab-5d3baba36f01'), { status: 404, code: 'NOT_FOUND' });
  expect((await get(`/v1/tasks/${one}`)).dismissed_at).toBeNull();
  expect((await get(`/v1/audit?task_id=${one}`)).entries).toEqual([]);
});

test('of a dismissal and a retry at the same time, the task ends up as the later one says', async () => {
  for (let round = 0; round < 10; round++) {
    const id = await failed();
    const act = { actor: 'user:ann', reason: 'race', requestId: null };
    // Dismissed first and then queued, or queued first and then not to be dismissed. On two connections.
    const [, retried] = await Promise.all([dismissTask(pool, id, act, null), retryTask(pool, id, act, null)]);
    expect(retried?.state).toBe('queued');
    expect(await get(`/v1/tasks/${id}`)).toMatchObject({ state: 'queued', dismissed_at: null });
  }
});
