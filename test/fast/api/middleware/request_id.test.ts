import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';
import { startOwnApi } from '../app.ts';
import { ledgerRow } from '../ledger.ts';
import { raw } from '../raw.ts';

const { pool } = await createDatabase();
const TRACEPARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
let count = 0;

function echo() {
  return { payload: { message: `number ${++count}` } };
}

test('a well-formed X-Request-Id is echoed, stored with the task and on the log line', async () => {
  const api = await startOwnApi(pool);
  const id = 'Order/2026-01-31:5+a=b_c.d';
  const { status, headers, body } = await api.call('POST', '/v1/tasks/example.echo', echo(), {
    'x-request-id': id,
  });
  expect(status).toBe(201);
  expect(headers.get('x-request-id')).toBe(id);
  expect(body.task.request_id).toBe(id);
  expect(await ledgerRow(pool, body.task.id)).toMatchObject({ request_id: id });
  const line = await until('the request is logged', () => api.lines.find((one) => one.res !== undefined));
  expect(line).toMatchObject({
    request_id: id,
    req: { method: 'POST', url: '/v1/tasks/example.echo' },
    res: { status: 201 },
    duration_ms: expect.any(Number),
  });
});

test('without one, or with one that is not well-formed, a new one is made', async () => {
  const api = await startOwnApi(pool);
  const without = await api.call('POST', '/v1/tasks/example.echo', echo());
  expect(without.headers.get('x-request-id')).toMatch(UUID);
  expect(without.body.task.request_id).toBe(without.headers.get('x-request-id'));
  for (const malformed of ['with space', 'x'.repeat(129), '<script>', 'quote"', 'bell{}']) {
    const answer = await api.call('POST', '/v1/tasks/example.echo', echo(), { 'x-request-id': malformed });
    expect(answer.headers.get('x-request-id')).toMatch(UUID);
    expect(answer.body.task.request_id).toBe(answer.headers.get('x-request-id'));
  }
});

test('an error answer carries the same id in its header and its body', async () => {
  const api = await startOwnApi(pool);
  const answer = await api.call('GET', '/nowhere', undefined, { 'x-request-id': 'mine' });
  expect(answer.status).toBe(404);
  expect(answer.headers.get('x-request-id')).toBe('mine');
  expect(answer.body.request_id).toBe('mine');
});

test('also probes and pages echo it', async () => {
  const api = await startOwnApi(pool);
  for (const path of ['/live', '/docs', '/openapi.yaml']) {
    const { headers } = await api.call('GET', path, undefined, { 'x-request-id': 'mine' });
    expect(headers.get('x-request-id')).toBe('mine');
  }
});

test('a well-formed traceparent is stored with the task, another is left out', async () => {
  const api = await startOwnApi(pool);
  const traced = await api.call('POST', '/v1/tasks/example.echo', echo(), { traceparent: TRACEPARENT });
  expect(traced.body.task.traceparent).toBe(TRACEPARENT);
  expect(await ledgerRow(pool, traced.body.task.id)).toMatchObject({ traceparent: TRACEPARENT });
  for (const malformed of ['', 'nonsense', TRACEPARENT.toUpperCase(), `${TRACEPARENT}-00`]) {
    const answer = await api.call('POST', '/v1/tasks/example.echo', echo(), { traceparent: malformed });
    expect(answer.status).toBe(201);
    expect(answer.body.task.traceparent).toBeNull();
  }
});

test('every task of a batch has the id and the trace of its request', async () => {
  const api = await startOwnApi(pool);
  const headers = { 'x-request-id': 'batch-7', traceparent: TRACEPARENT };
  const answer = await api.call('POST', '/v1/tasks/example.echo/batch', { items: [echo(), echo()] }, headers);
  for (const { id } of answer.body.items) {
    expect(await ledgerRow(pool, id)).toMatchObject({ request_id: 'batch-7', traceparent: TRACEPARENT });
  }
});

test('secrets in headers are not logged', async () => {
  const api = await startOwnApi(pool);
  const headers = { authorization: 'Bearer secret-1', 'x-api-key': 'secret-2', cookie: 'secret-3' };
  await api.call('GET', '/v1/tasks', undefined, headers);
  await api.call('GET', '/nowhere', undefined, headers);
  await until('both are logged', () => api.lines.filter((one) => one.res !== undefined).length === 2);
  expect(JSON.stringify(api.lines)).not.toContain('secret-');
});

test('probes are not logged', async () => {
  const api = await startOwnApi(pool);
  for (const path of ['/health', '/ready', '/live', '/health/live']) await api.call('GET', path);
  await raw(api.url, 'GET', '/v1/tasks');
  await until('the list is logged', () => api.lines.length > 0);
  expect(api.lines.map((one) => one.req)).toEqual([{ method: 'GET', url: '/v1/tasks' }]);
});
