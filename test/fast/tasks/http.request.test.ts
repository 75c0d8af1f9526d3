import { expect, test } from 'vitest';
import { parsePayload } from '../../../core/payload.ts';
import type { SchemaInput } from '../../../core/schema.ts';
import { httpRequest } from '../../../tasks/http.request.task.ts';

const URL_FINE = 'https://worker.example.com/resize?width=640';

/** The paths of everything that is wrong with a payload. */
async function problemsOf(payload: unknown): Promise<string[]> {
  const parsed = await parsePayload(httpRequest, payload, '');
  return parsed.ok ? [] : parsed.details.map(({ path }) => path);
}

function schemasIn(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(schemasIn)];
}

test('its example is accepted and gets the documented defaults', () => {
  expect(httpRequest.payload.parse(httpRequest.example)).toEqual({
    ...httpRequest.example,
    retry_status: [408, 425, 429, 500, 502, 503, 504],
  });
  expect(httpRequest.payload.parse({ url: URL_FINE }).timeout_ms).toBe(30_000);
});

test('its JSON Schemas hold no empty schema and no reference, and describe every field', () => {
  for (const json of [httpRequest.payloadJsonSchema, httpRequest.resultJsonSchema]) {
    const schemas = schemasIn(json);
    expect(schemas.filter((schema) => Object.keys(schema as object).length === 0)).toEqual([]);
    expect(JSON.stringify(schemas)).not.toContain('$ref');
    for (const [name, field] of Object.entries(json?.properties as Record<string, object>)) {
      expect(field, name).toHaveProperty('description');
    }
    expect(json).toHaveProperty('additionalProperties', false);
  }
  expect(httpRequest.payloadJsonSchema).toMatchObject({
    required: ['url'],
    properties: {
      headers: { maxProperties: 64 },
      json: { type: ['object', 'array', 'string', 'number', 'boolean', 'null'] },
      timeout_ms: { minimum: 1, maximum: 600_000, default: 30_000 },
    },
  });
});

test('the attempt may last longer than the longest timeout_ms', () => {
  expect(httpRequest.policy.timeoutMs).toBeGreaterThan(600_000);
  expect(httpRequest.policy).toMatchObject({ maxAttempts: 25, dedup: { strategy: 'none' } });
});

test.each([
  'ftp://worker.example.com/',
  'file:///etc/passwd',
  'worker.example.com',
  'http:worker.example.com',
  'http://',
  'http://worker.example.com:99999/',
  'http://worker.example.com/a b',
  ' http://worker.example.com/',
  'http://user:secret@worker.example.com/',
  'http://user@worker.example.com/',
  'http://:secret@worker.example.com/',
  `http://worker.example.com/${'a'.repeat(8_192)}`,
])('refuses the url %s', async (url) => {
  expect(await problemsOf({ url })).toContain('/url');
});

test('accepts a scheme in capitals', async () => {
  expect(await problemsOf({ url: 'HTTPS://worker.example.com' })).toEqual([]);
});

test.each([
  ['Host', 'a'],
  ['content-length', '1'],
  ['Transfer-Encoding', 'chunked'],
  ['Connection', 'close'],
  ['Upgrade', 'h2c'],
  ['Expect', '100-continue'],
  ['X-Errand-Task-Id', 'a'],
  ['not a name', 'a'],
  ['', 'a'],
  ['x-a', 'one\r\nx-b: two'],
  ['x-a', 'one\ntwo'],
  ['x-a', 'NUL\u0000'],
  ['x-a', '€'],
  ['x-a', 'a'.repeat(8_193)],
  ['a'.repeat(129), 'a'],
])('refuses the header %j: %j', async (name, value) => {
  expect(await problemsOf({ url: URL_FINE, headers: { [name]: value } })).toEqual([`/headers/${name}`]);
});

test('says why a header name is refused', async () => {
  const parsed = await parsePayload(httpRequest, { url: URL_FINE, headers: { 'a b': '' } }, '/body');
  expect(parsed).toEqual({
    ok: false,
    details: [{ path: '/body/headers/a b', message: expect.stringContaining('not a header name') }],
  });
});

test('refuses one header in two spellings, and more headers than it sends', async () => {
  expect(await problemsOf({ url: URL_FINE, headers: { Accept: 'a', accept: 'b' } })).toEqual([
    '/headers/accept',
  ]);
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`x-${index}`, 'a']));
  expect(await problemsOf({ url: URL_FINE, headers: many })).toEqual(['/headers']);
  delete many['x-0'];
  expect(await problemsOf({ url: URL_FINE, headers: many })).toEqual([]);
});

test.each<[string, Partial<SchemaInput<typeof httpRequest.payload>> & Record<string, unknown>, string]>([
  ['body and json together', { body: 'a', json: null }, '/json'],
  ['a GET with a body', { method: 'GET', body: 'a' }, '/method'],
  ['a HEAD with json', { method: 'HEAD', json: 1 }, '/method'],
  ['a method of its own', { method: 'TRACE' as 'GET' }, '/method'],
  ['an empty list of expected statuses', { expected_status: [] }, '/expected_status'],
  ['a status that does not exist', { expected_status: [99] }, '/expected_status/0'],
  ['a status to retry that does not exist', { retry_status: [600] }, '/retry_status/0'],
  ['no time', { timeout_ms: 0 }, '/timeout_ms'],
  ['too much time', { timeout_ms: 600_001 }, '/timeout_ms'],
  ['a body that is not text', { body: {} as string }, '/body'],
  ['a body beyond its limit', { body: 'a'.repeat(1_048_577) }, '/body'],
  ['an unknown field', { timeoutMs: 1 }, '/timeoutMs'],
])('refuses %s', async (_what, fields, path) => {
  expect(await problemsOf({ url: URL_FINE, ...fields })).toEqual([path]);
});
