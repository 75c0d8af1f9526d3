import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test, vi } from 'vitest';
import { loadRegistry } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectRefused } from '../ledger.ts';
import { raw } from '../raw.ts';
import { ECHO_ROUTES } from '../routes.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const ECHO = '/v1/tasks/example.echo';
const BODY = '{"payload":{"message":"a"}}';
const unsupported = { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' };

function send(type: string | null, body: string | Uint8Array = BODY, more: Record<string, string> = {}) {
  const headers = { ...(type === null ? {} : { 'content-type': type }), ...more };
  return raw(api.url, 'POST', ECHO, { body, headers });
}

test.each([
  'text/plain',
  'text/xml',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json5',
  'application/jsonp',
  'application/json+x',
  'application/cloudevents+json; charset=latin1',
  'json',
  '',
  ';',
])('the content type %j is refused, and named', async (type) => {
  const answer = await expectRefused(api, pool, () => send(type), unsupported);
  expect(answer.body.error).toBe(
    `Content-Type ${JSON.stringify(type)} is not accepted: send application/json in UTF-8`,
  );
});

test('no content type is refused, at every route', async () => {
  for (const { path, wrap } of ECHO_ROUTES) {
    const body = wrap('{"message":"a"}');
    await expectRefused(api, pool, () => raw(api.url, 'POST', path, { body }), unsupported);
    await expectRefused(api, pool, () => raw(api.url, 'POST', path, { body, chunked: true }), unsupported);
  }
});

test.each(['utf-16', 'UTF-16LE', 'iso-8859-1', '"latin1"', 'x'])(
  'the charset %s is refused',
  async (name) => {
    await expectRefused(api, pool, () => send(`application/json; charset=${name}`), unsupported);
  },
);

test.each([
  'application/json',
  'application/json;charset=utf-8',
  'Application/JSON; Charset="UTF-8"; x=y',
  'application/cloudevents+json',
  'application/merge-patch+json; charset=utf-8',
])('the content type %j is accepted', async (type) => {
  expect((await send(type, `{"payload":{"message":${JSON.stringify(type)}}}`)).status).toBe(201);
});

test.each(['compress', 'gzip, gzip', 'x'])('the content encoding %j is refused', async (encoding) => {
  const bytes = gzipSync(BODY);
  await expectRefused(
    api,
    pool,
    () => send('application/json', bytes, { 'content-encoding': encoding }),
    unsupported,
  );
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
] as const)('a body in %s is read, and what is not quite that is refused', async (encoding, compress) => {
  const encoded = (bytes: string | Uint8Array) =>
    send('application/json', bytes, { 'content-encoding': encoding });
  expect((await encoded(compress(`{"payload":{"message":"in ${encoding}"}}`))).status).toBe(201);
  const refusal = { status: 400, code: 'BAD_REQUEST' };
  await expectRefused(api, pool, () => encoded(BODY), refusal);
  await expectRefused(api, pool, () => encoded(compress(BODY).subarray(0, 12)), refusal);
});

test('a body in chunks is read', async () => {
  const options = {
    body: '{"payload":{"message":"chunks"}}',
    headers: { 'content-type': 'application/json' },
    chunked: true,
  };
  expect((await raw(api.url, 'POST', ECHO, options)).status).toBe(201);
});

test('whatever content type a caller makes up, the validator does not compile and keep schemas for it', async () => {
  // Of its own, as validators are shared by all with the same definitions.
  const cold = await startApi(pool, { registry: loadRegistry({ NODE_ENV: 'test' }) });
  const list = (headers: Record<string, string>) =>
    raw(cold.url, 'GET', '/v1/tasks?page_size=1', { headers });
  await list({});
  const compiled = vi.spyOn(Ajv2020.prototype, 'compile');
  for (let index = 0; index < 20; index++) {
    expect((await list({ 'content-type': `application/json; made-up=${index}` })).status).toBe(200);
    expect((await list({ 'content-type': `made/up-${index}` })).status).toBe(200);
  }
  expect(compiled).not.toHaveBeenCalled();
  expect((await cold.call('GET', '/v1/tasks/019c0000-0000-7000-8000-000000000000')).status).toBe(404);
  expect(compiled).toHaveBeenCalled();
});
