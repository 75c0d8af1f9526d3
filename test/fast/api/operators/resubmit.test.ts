import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import type { Submission } from '../../../../store/submit/submit.ts';
import { httpRequest } from '../../../../tasks/http.request.task.ts';
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

async function ended(
  given: Partial<Submission> & { name?: string; payload?: unknown } = {},
  state = 'failed',
) {
  const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'wrong' }, ...given });
  await pool.query(
    `update errand.tasks
        set state = $2, finished_at = now(), dispatch_id = null,
            error = jsonb_build_object('error_type', 'Error', 'message', 'no', 'error_code', null,
                                       'retryable', true, 'metadata', null, 'stack', null)
      where id = $1`,
    [id, state],
  );
  return id;
}

const resubmit = (id: string, body: object = {}, headers: Record<string, string> = {}, who = ANN) =>
  api.call('POST', `/v1/tasks/${id}/resubmit`, { reason: 'wrong amount', ...body }, { ...who, ...headers });
const get = async (path: string) => (await api.call('GET', path, undefined, ANN)).body;
const tasks = async () => (await pool.query('select from errand.tasks')).rowCount;

test('a failed task is replaced by a new one with an edited payload, and both name each other', async () => {
  const id = await ended({
    priority: 3,
    tags: ['vip'],
    initiator: 'shop',
    dedup: { dedup: 'payload', key: null },
  });
  const { status, headers, body } = await resubmit(id, { payload: { message: 'right' } });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    created: true,
    task: {
      name: 'example.echo',
      state: 'queued',
      payload: { message: 'right' },
      resubmission_of: id,
      priority: 3,
      tags: ['vip'],
      initiator: 'shop',
      submitted_by: 'user:ann',
      reason: 'wrong amount',
    },
  });
  expect(headers.get('location')).toBe(`/v1/tasks/${body.task.id}`);
  expect(await get(`/v1/tasks/${id}`)).toMatchObject({
    state: 'failed',
    resubmitted_as: body.task.id,
    dismissed_at: expect.any(String),
  });
  expect((await get('/v1/errors')).groups).toEqual([]);
  expect((await get(`/v1/tasks/${id}/explain`)).next_steps[0]).toBe(
    `GET /v1/tasks/${body.task.id} shows the task that replaces it`,
  );
  expect((await get(`/v1/audit?task_id=${id}`)).entries).toMatchObject([
    {
      action: 'resubmit',
      actor: 'user:ann',
      reason: 'wrong amount',
      details: { resubmitted_as: body.task.id },
    },
  ]);
});

test('without a payload the stored one is submitted again, although the strategy of its definition is the payload', async () => {
  const id = await ended({ dedup: { dedup: 'payload', key: null } });
  const { status, body } = await resubmit(id);
  expect(status).toBe(201);
  expect(body.task).toMatchObject({ payload: { message: 'wrong' }, resubmission_of: id });
  expect(body.task.id).not.toBe(id);
});

test('a payload that the definition refuses changes nothing', async () => {
  const id = await ended();
  const before = await tasks();
  expect(await resubmit(id, { payload: { message: 5 } })).toMatchObject({
    status: 400,
    body: { code: 'VALIDATION_FAILED', details: [{ path: '/body/payload/message' }] },
  });
  expectError(await resubmit(id, { payload: { message: 'a' }, version: '9.0.0' }), {
    status: 404,
    code: 'NOT_FOUND',
  });
  expect(await tasks()).toBe(before);
  expect(await get(`/v1/tasks/${id}`)).toMatchObject({ resubmitted_as: null, dismissed_at: null });
});

test('an Idempotency-Key gives the same task again; without one a second request is refused', async () => {
  const id = await ended();
  const headers = { 'idempotency-key': 'once' };
  const first = await resubmit(id, { payload: { message: 'right' } }, headers);
  const second = await resubmit(id, { payload: { message: 'right' } }, headers);
  expect([first.status, second.status]).toEqual([201, 200]);
  expect(second.body).toMatchObject({ created: false, task: { id: first.body.task.id } });
  for (const more of [{}, { 'idempotency-key': 'another' }] as Record<string, string>[]) {
    const before = await tasks();
    const refused = await resubmit(id, { payload: { message: 'right' } }, more);
    expectError(refused, { status: 409, code: 'CONFLICT' });
    expect(refused.body.error).toContain(first.body.task.id);
    expect(await tasks()).toBe(before);
  }
  expectError(await resubmit(id, { payload: { message: 'other' } }, headers), {
    status: 409,
    code: 'CONFLICT',
  });
  expect((await get(`/v1/audit?task_id=${id}`)).entries).toHaveLength(1);
});

test('of many requests at the same time one makes a task', async () => {
  const id = await ended();
  const before = Number(await tasks());
  const answers = await Promise.all(Array.from({ length: 8 }, () => resubmit(id)));
  expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 409)]);
  expect(await tasks()).toBe(before + 1);
  const same = await ended();
  const key = { 'idempotency-key': randomUUID() };
  const repeated = await Promise.all(Array.from({ length: 8 }, () => resubmit(same, {}, key)));
  expect(new Set(repeated.map(({ body }) => body.task.id)).size).toBe(1);
  expect(repeated.filter(({ status }) => status === 201)).toHaveLength(1);
});

test('a task that was retried and failed again can be resubmitted again', async () => {
  const id = await ended();
  const first = await resubmit(id);
  await api.call('PATCH', `/v1/tasks/${id}/retry`, undefined, ANN);
  await pool.query(`update errand.tasks set state = 'failed', finished_at = now() where id = $1`, [id]);
  const second = await resubmit(id);
  expect(second.status).toBe(201);
  expect(second.body.task.id).not.toBe(first.body.task.id);
});

test('a cancelled task can be resubmitted; an open or succeeded one, and a part of another, cannot', async () => {
  expect((await resubmit(await ended({}, 'cancelled'))).status).toBe(201);
  expectError(await resubmit(await ended({}, 'succeeded')), { status: 400, code: 'BAD_REQUEST' });
  const { id } = await submitOne(pool, { name: 'example.echo', payload: { message: 'a' } });
  expectError(await resubmit(id), { status: 400, code: 'BAD_REQUEST' });
  const { stepId } = await submitWithStep(pool);
  await pool.query(`update errand.tasks set state = 'failed', finished_at = now() where id = $1`, [stepId]);
  expectError(await resubmit(stepId), { status: 400, code: 'BAD_REQUEST' });
});

test('secrets of a payload are kept if it is not given, and never taken from what is shown', async () => {
  const payload = { url: 'https://shop.example.com/pay', headers: { Authorization: 'sesame' } };
  const id = await ended({ name: 'http.request', version: httpRequest.version, payload });
  const shown = (await get(`/v1/tasks/${id}`)).payload;
  expect(shown.headers).toEqual({ Authorization: '***' });
  const refused = await resubmit(id, { payload: { ...shown, url: 'https://evil.example.com' } });
  expect(refused).toMatchObject({
    status: 400,
    body: { details: [{ path: '/body/payload/headers/Authorization' }] },
  });
  const { status, body, text } = await resubmit(id);
  expect(status).toBe(201);
  expect(text).not.toContain('sesame');
  const { rows } = await pool.query('select payload from errand.tasks where id = $1', [body.task.id]);
  expect(rows).toEqual([{ payload }]);
});

test('it needs the scopes operate and submit, in the namespace of the task', async () => {
  const id = await ended();
  const before = await tasks();
  for (const words of [
    'eve of * may read',
    'eve of * may read,submit',
    'eve of * may read,operate',
    'eve of text',
  ]) {
    expectError(await resubmit(id, {}, {}, as(words)), { status: 403, code: 'FORBIDDEN' });
  }
  expectError(await resubmit('01a1fda3-8ecb-7e32-bbab-5d3baba36f01'), { status: 404, code: 'NOT_FOUND' });
  expect(await tasks()).toBe(before);
  const unread = await resubmit(id, {}, {}, as('eve of example may operate,submit'));
  expect(unread.status).toBe(201);
  expect(Object.keys(unread.body.task).sort()).toEqual(['id', 'state']);
});

test('a built-in task is not resubmitted', async () => {
  const id = await ended({ name: 'errand.bulk', payload: {} });
  expect((await resubmit(id)).status).toBeGreaterThanOrEqual(400);
  expect((await get(`/v1/tasks/${id}`)).resubmitted_as).toBeNull();
});
