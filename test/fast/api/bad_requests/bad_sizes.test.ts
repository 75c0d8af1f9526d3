import { gzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectRefused } from '../ledger.ts';
import { raw } from '../raw.ts';
import { ECHO_ROUTES, type Route } from '../routes.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const MB = 1024 * 1024;
const headers = { 'content-type': 'application/json' };
const tooLarge = { status: 413, code: 'PAYLOAD_TOO_LARGE' };

const ECHO = '/v1/tasks/example.echo';
const message = (size: number) => `{"message":"${'a'.repeat(size)}"}`;

test.each(ECHO_ROUTES)('11 MB by $route are refused', async ({ path, wrap }) => {
  const answer = await expectRefused(
    api,
    pool,
    () => api.call('POST', path, wrap(message(11 * MB))),
    tooLarge,
  );
  expect(answer.body.error).toBe('The body is too large: at most 10 MB are accepted');
});

test('50 MB packed into some KB are refused', async () => {
  const body = gzipSync(`{"payload":${message(50 * MB)}}`);
  expect(body.length).toBeLessThan(100_000);
  const packed = { ...headers, 'content-encoding': 'gzip' };
  await expectRefused(api, pool, () => raw(api.url, 'POST', ECHO, { body, headers: packed }), tooLarge);
});

test('a body that comes in many chunks leaves nothing behind for each of them', async () => {
  const warnings: string[] = [];
  const warn = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', warn);
  onTestFinished(() => void process.off('warning', warn));
  const body = `{"payload":${message(2 * MB)}}`;
  expect((await raw(api.url, 'POST', ECHO, { body, headers, chunked: true })).status).toBe(400);
  expect(warnings).toEqual([]);
});

test('just under 10 MB are read, and refused only for what is in them', async () => {
  const send = (route: Route) => api.call('POST', route.path, route.wrap(message(10 * MB - 200)));
  const tooLong = expect.stringMatching(/^Too big: expected string to have <=10000 characters, got "a{99}…$/);
  const [byPath, byName, byBatch] = ECHO_ROUTES as [Route, Route, Route];
  for (const route of [byPath, byName]) {
    await expectRefused(api, pool, () => send(route), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: `${route.at}/message`, message: tooLong }],
    });
  }
  const { body } = await send(byBatch);
  expect(body).toMatchObject({ created: 1, invalid: 1 });
  expect(body.items[1].errors).toEqual([{ path: `${byBatch.at}/message`, message: tooLong }]);
});

test('F12: 11 MB in chunks, without a length, are refused', async () => {
  const body = `{"payload":${message(11 * MB)}}`;
  const send = () => raw(api.url, 'POST', ECHO, { body, headers, chunked: true });
  await expectRefused(api, pool, send, tooLarge);
});

test.each([
  ['tags', `"tags":[${'1,'.repeat(200_000)}1]`, '/body/tags', /must NOT have more than 20 items/],
  [
    'unknown fields',
    Array.from({ length: 40_000 }, (_, index) => `"k${index}":1`).join(),
    '/body/k0',
    /is not a known property/,
  ],
])('of very many wrong %s only the first is told', async (_name, text, path, message) => {
  const send = () => api.call('POST', ECHO, `{"payload":{"message":"a"},${text}}`);
  await expectRefused(api, pool, send, {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path, message: expect.stringMatching(message) }],
  });
});

test.each([
  ['numbers', '1', '500000 values (properties and items)'],
  ['empty objects', '{}', '500000 objects and lists'],
  ['lists', '[[]]', '500000 objects and lists'],
  ['texts', '"\\n"', '500000 values (properties and items)'],
])('10 MB of small %s are refused, with how many are accepted', async (_name, value, bound) => {
  const text = Array(Math.floor((9 * MB) / (value.length + 1)))
    .fill(value)
    .join();
  const answer = await expectRefused(api, pool, () => api.call('POST', ECHO, `[${text}]`), tooLarge);
  expect(answer.body.error).toBe(`The body has more than ${bound}: send it in parts`);
});

test('a body with too many different names is refused, with how many are accepted', async () => {
  const names = (count: number) => Array.from({ length: count }, (_, index) => `"name ${index}":0`).join();
  const send = (count: number) =>
    api.call('POST', '/v1/tasks/http.request', {
      payload: { url: 'https://example.com/', method: 'POST', json: JSON.parse(`{${names(count)}}`) },
    });
  expect((await send(40_000)).status).toBe(201);
  const answer = await expectRefused(api, pool, () => send(60_000), tooLarge);
  expect(answer.body.error).toBe(
    'The body has more than 50000 different names of properties: send it in parts',
  );
});

test('a payload of 5 MB that is valid is stored and read back exactly', async () => {
  const json = { rows: Array.from({ length: 50_000 }, (_, index) => ({ index, text: 'x'.repeat(80) })) };
  const payload = { url: 'https://example.com/', method: 'POST', json };
  const { status, body } = await api.call('POST', '/v1/tasks/http.request', { payload });
  expect(status).toBe(201);
  const read = await api.call('GET', `/v1/tasks/${body.task.id}`);
  expect(read.body.payload).toEqual(payload);
});
