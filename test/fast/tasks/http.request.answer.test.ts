import type { ServerResponse } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { storageProblems } from '../../../core/json/json.ts';
import { createSender } from '../../../tasks/http/send.ts';
import { httpRequest } from '../../../tasks/http.request.task.ts';
import { call, contextOf, firstConnectionEnded, startTarget, TASK_ID } from './http-harness.ts';

const KIB_256 = 256 * 1024;

test('records status, headers, text and duration of the answer', async () => {
  const target = await startTarget((_request, response) => {
    response.writeHead(201, { 'Content-Type': 'text/plain', 'Set-Cookie': ['a=1', 'b=2'] }).end('schön');
  });
  const result = await call({ url: `${target.url}/path?q=1#fragment` });
  expect(result).toMatchObject({ status: 201, body: 'schön', encoding: 'utf8', truncated: false });
  expect(result.headers).toMatchObject({ 'content-type': 'text/plain', 'set-cookie': '***' });
  expect(result.duration_ms).toBeGreaterThanOrEqual(0);
  expect(httpRequest.result?.safeParse(result).error).toBeUndefined();
  expect(target.requests).toMatchObject([{ method: 'GET', url: '/path?q=1', body: '' }]);
});

test('tells the target who calls, for which task and attempt', async () => {
  const target = await startTarget((_request, response) => response.end());
  await call({ url: target.url });
  expect(target.requests[0]?.headers).toMatchObject({
    'user-agent': 'errand',
    'idempotency-key': TASK_ID,
    'x-errand-task-id': TASK_ID,
    'x-errand-attempt': '3',
    host: `127.0.0.1:${target.port}`,
  });
});

test('given headers go before the default ones, in any spelling', async () => {
  const target = await startTarget((_request, response) => response.end());
  const headers = {
    'User-Agent': 'mine',
    'Idempotency-Key': 'k',
    'Content-Type': 'text/csv',
    Authorization: 'Bearer t',
  };
  await call({ url: target.url, headers, body: 'a;b' });
  expect(target.requests[0]).toMatchObject({
    headers: {
      'user-agent': 'mine',
      'idempotency-key': 'k',
      'content-type': 'text/csv',
      authorization: 'Bearer t',
    },
    body: 'a;b',
  });
});

test.each([
  [{ json: { a: ['ü', null] } }, 'POST', 'application/json', '{"a":["ü",null]}'],
  [{ json: null }, 'POST', 'application/json', 'null'],
  [{ body: 'täxt' }, 'POST', 'text/plain; charset=utf-8', 'täxt'],
  [{ body: '' }, 'POST', 'text/plain; charset=utf-8', ''],
  [{ method: 'PUT', json: 'x' }, 'PUT', 'application/json', '"x"'],
  [{ method: 'DELETE' }, 'DELETE', undefined, ''],
  [{ method: 'POST' }, 'POST', undefined, ''],
  [{}, 'GET', undefined, ''],
] as const)('sends %j as %s', async (fields, method, type, body) => {
  const target = await startTarget((_request, response) => response.end());
  await call({ url: target.url, ...fields });
  expect(target.requests).toMatchObject([{ method, body }]);
  expect(target.requests[0]?.headers['content-type']).toBe(type);
});

test('a HEAD request and a 204 have no body', async () => {
  const target = await startTarget((request, response) =>
    request.method === 'HEAD'
      ? response.writeHead(200, { 'content-length': 5 }).end()
      : response.writeHead(204).end(),
  );
  expect(await call({ url: target.url, method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  expect(await call({ url: target.url })).toMatchObject({ status: 204, body: '' });
});

test.each([
  [[404], 404],
  [[200, 302], 302],
])('a status among expected_status %j is a success', async (expected_status, status) => {
  const target = await startTarget((_request, response) => response.writeHead(status).end('there'));
  expect(await call({ url: target.url, expected_status })).toMatchObject({ status, body: 'there' });
});

test.each([
  ['bytes that are not UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0x80])],
  ['a surrogate in UTF-8', Buffer.from([0xed, 0xa0, 0x80])],
  ['text with NUL', Buffer.from('a\u0000b')],
])('keeps %s as base64, unchanged', async (_what, bytes) => {
  const target = await startTarget((_request, response) => response.end(bytes));
  const result = await call({ url: target.url });
  expect(result.encoding).toBe('base64');
  expect(Buffer.from(result.body, 'base64')).toEqual(bytes);
});

test('cuts an endless body at 256 KiB and closes its connection', async () => {
  const target = await startTarget((_request, response) => writeForEver(response));
  const result = await call({ url: target.url });
  expect(result).toMatchObject({ status: 200, truncated: true, encoding: 'utf8' });
  expect(result.body).toBe('x'.repeat(KIB_256));
  await firstConnectionEnded(target);
});

function writeForEver(response: ServerResponse): void {
  while (response.write('x'.repeat(10_000)));
  response.once('drain', () => writeForEver(response));
}

test('a body of exactly 256 KiB is whole', async () => {
  const target = await startTarget((_request, response) => response.end('x'.repeat(KIB_256)));
  expect(await call({ url: target.url })).toMatchObject({ truncated: false, body: 'x'.repeat(KIB_256) });
});

test('a character that the limit cuts in two does not make the text binary', async () => {
  const target = await startTarget((_request, response) => response.end(`ab${'€'.repeat(100_000)}`));
  const result = await call({ url: target.url });
  expect(result).toMatchObject({ truncated: true, encoding: 'utf8' });
  expect(result.body).toBe(`ab${'€'.repeat(Math.floor((KIB_256 - 2) / 3))}`);
});

test('headers are bounded, and none of them can spoil the record', async () => {
  const many = Array.from({ length: 150 }, (_, index) => [`x-${index}`, 'a']).flat();
  const target = await startTarget((_request, response) => {
    response
      .writeHead(200, ['__proto__', 'a', 'constructor', 'b', 'x-long', 'y'.repeat(5_000), ...many])
      .end();
  });
  const { headers } = await call({ url: target.url });
  expect(Object.keys(headers).length).toBeLessThanOrEqual(100);
  expect(headers).toMatchObject({ constructor: 'b', 'x-long': 'y'.repeat(4_096) });
  expect(storageProblems(headers, '')).toEqual([]);
});

test('attempts share connections', async () => {
  const target = await startTarget((_request, response) => response.end('done'));
  const send = createSender({ allowPrivate: true });
  const payload = httpRequest.payload.parse({ url: target.url });
  await send(payload, contextOf());
  // undici frees the connection in the tick after the body's end.
  await setImmediate();
  await send(payload, contextOf());
  expect(target.requests).toHaveLength(2);
  expect(target.sockets).toHaveLength(1);
});
