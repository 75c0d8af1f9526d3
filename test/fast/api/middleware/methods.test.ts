import { expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectRefused } from '../ledger.ts';
import { raw } from '../raw.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const ID = '019c0000-0000-7000-8000-000000000000';
const BODY = '{"payload":{"message":"a"}}';

test.each([
  ['/v1/tasks', ['PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND'], 'GET, HEAD, POST'],
  ['/v1/tasks/example.echo', ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE'], 'POST'],
  ['/v1/tasks/example.echo/batch', ['GET', 'PUT', 'PATCH', 'DELETE'], 'POST'],
  [`/v1/tasks/${ID}`, ['PUT', 'PATCH'], 'DELETE, GET, HEAD'],
  [`/v1/tasks/${ID}/retry`, ['GET', 'POST', 'PUT', 'DELETE'], 'PATCH'],
  ['/v1/runners', ['POST', 'DELETE'], 'GET, HEAD'],
  ['/docs', ['POST', 'DELETE'], 'GET, HEAD'],
  ['/openapi.yaml', ['POST'], 'GET, HEAD'],
  ['/health', ['POST', 'PUT'], 'GET, HEAD'],
  ['/ready', ['POST'], 'GET, HEAD'],
])('%s does not know %j, and says what it knows', async (path, methods, allow) => {
  for (const method of methods) {
    for (const body of [undefined, BODY]) {
      const headers = body === undefined ? {} : { 'content-type': 'application/json' };
      const answer = await raw(api.url, method, path, { body, headers });
      expect(answer.status, `${method} ${path}`).toBe(405);
      expect(answer.headers.get('allow')?.split(', ').sort().join(', ')).toBe(allow);
      if (method === 'HEAD') expect(answer.text).toBe('');
      else expect(answer.body).toMatchObject({ code: 'METHOD_NOT_ALLOWED', request_id: expect.any(String) });
    }
  }
});

test('what is deliberately absent changes nothing', async () => {
  const { body } = await api.call('POST', '/v1/tasks/example.echo', BODY);
  const path = `/v1/tasks/${body.task.id}`;
  for (const method of ['PUT', 'PATCH']) {
    const send = () => api.call(method, path, { state: 'succeeded', result: {} });
    await expectRefused(api, pool, send, { status: 405, code: 'METHOD_NOT_ALLOWED' });
  }
  expect((await api.call('GET', path)).body).toMatchObject({ state: 'queued', result: null });
});

test.each([
  '/',
  '/v1',
  '/v2/tasks',
  '/v1/task',
  `/v1/tasks/${ID}/other`,
  '/v1/tasks/example.echo/batch/1',
  '/favicon.ico',
  '/.env',
])('%s is nowhere', async (path) => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    const send = () => raw(api.url, method, path);
    const answer = await expectRefused(api, pool, send, { status: 404, code: 'NOT_FOUND' });
    expect(answer.body.error).toBe(`The API has no operation ${method} ${path}: see /docs`);
  }
});

test('an id that no task has is 404, to read, to wait for and to retry', async () => {
  for (const [method, path] of [
    ['GET', `/v1/tasks/${ID}`],
    ['GET', `/v1/tasks/${ID}?wait=20`],
    ['PATCH', `/v1/tasks/${ID}/retry`],
  ] as const) {
    const refusal = { status: 404, code: 'NOT_FOUND' };
    const answer = await expectRefused(api, pool, () => api.call(method, path), refusal);
    expect(answer.body.error).toMatch(new RegExp(`There is no task ${ID}`));
  }
});

test('HEAD answers like GET, without a body', async () => {
  const { body } = await api.call('POST', '/v1/tasks/example.echo', BODY);
  const paths = ['/v1/tasks', '/v1/tasks?page_size=1', `/v1/tasks/${body.task.id}`];
  const pages = ['/docs', '/openapi.yaml', '/docs/assets/swagger-ui.css', '/health', '/ready', '/live'];
  for (const path of [...paths, ...pages]) {
    const get = await raw(api.url, 'GET', path);
    const head = await raw(api.url, 'HEAD', path);
    expect({ path, status: head.status, text: head.text }).toEqual({ path, status: 200, text: '' });
    expect(head.headers.get('content-type')).toBe(get.headers.get('content-type'));
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
  }
  expect((await raw(api.url, 'HEAD', `/v1/tasks/${ID}`)).status).toBe(404);
  expect((await raw(api.url, 'HEAD', '/v1/tasks/nope')).status).toBe(400);
  expect((await raw(api.url, 'HEAD', '/nowhere')).status).toBe(404);
});

test('a slash at the end and capitals in the fixed parts of a path do no harm', async () => {
  expect((await api.call('GET', '/v1/tasks/')).status).toBe(200);
  expect((await api.call('GET', '/V1/Tasks')).status).toBe(200);
  const submitted = await api.call('POST', '/v1/tasks/example.echo/', '{"payload":{"message":"slash"}}');
  expect(submitted.status).toBe(201);
});
