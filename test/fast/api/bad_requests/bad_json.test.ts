import { describe, expect, test } from 'vitest';
import { MAX_OBJECTS } from '../../../../core/json/json_text.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectRefused } from '../ledger.ts';
import { raw } from '../raw.ts';
import { ECHO_ROUTES } from '../routes.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const JSON_TYPE = { 'content-type': 'application/json' };

const NOT_JSON: [string, string | Uint8Array][] = [
  ['no JSON at all', 'hello'],
  ['XML', '<task/>'],
  ['JSON that breaks off', '{"payload":{"message":"a"'],
  ['something after the end', '{"payload":{"message":"a"}} and more'],
  ['two documents', '{"payload":{"message":"a"}}{"payload":{"message":"b"}}'],
  ['single quotes', `{'payload':{'message':'a'}}`],
  ['a comment', '{"payload":{"message":"a"}/* why */}'],
  ['a comma too much', '{"payload":{"message":"a"},}'],
  ['NaN', '{"payload":{"message":"a"},"delay_seconds":NaN}'],
  ['-Infinity', '{"payload":{"message":"a"},"delay_seconds":-Infinity}'],
  ['a hexadecimal number', '{"payload":{"message":"a"},"priority":0x10}'],
  ['a NUL byte in a text', '{"payload":{"message":"a\u0000"}}'],
  ['a line break in a text', '{"payload":{"message":"a\n"}}'],
];

describe.each(ECHO_ROUTES)('by $route', ({ path }) => {
  test.each(NOT_JSON)('%s is refused as no JSON', async (_name, body) => {
    const answer = await expectRefused(api, pool, () => api.call('POST', path, body), {
      status: 400,
      code: 'BAD_REQUEST',
    });
    expect(answer.body.error).toMatch(/^The body is not valid JSON: /);
  });

  test.each([
    ['null', 'null', 'null'],
    ['an array', '[]', '[]'],
    ['a text', '"text"', '"text"'],
    ['a number', '5', '5'],
    ['a truth value', 'true', 'true'],
  ])('%s instead of an object is refused', async (_name, body, shown) => {
    await expectRefused(api, pool, () => api.call('POST', path, body), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: '/body', message: `must be object, got ${shown}` }],
    });
  });

  test.each([
    ['none at all', undefined],
    ['an empty one', ''],
  ])('a missing body is refused: %s', async (_name, body) => {
    const details = [{ path: '/body', message: expect.stringMatching(/^must be object/) }];
    const refusal = { status: 400, code: 'VALIDATION_FAILED', details };
    await expectRefused(api, pool, () => api.call('POST', path, body), refusal);
    const bare = () => raw(api.url, 'POST', path, { body: body ?? '' });
    await expectRefused(api, pool, bare, refusal);
  });

  test.each([
    ['a byte that is none', [0xff]],
    ['a sequence that breaks off', [0xe2, 0x82]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['a surrogate in UTF-8', [0xed, 0xa0, 0x80]],
  ])('what is not UTF-8 is refused: %s', async (_name, bytes) => {
    const body = Buffer.concat([
      Buffer.from('{"payload":{"message":"'),
      Buffer.from(bytes),
      Buffer.from('"}}'),
    ]);
    const send = () => raw(api.url, 'POST', path, { body, headers: JSON_TYPE });
    const answer = await expectRefused(api, pool, send, { status: 400, code: 'BAD_REQUEST' });
    expect(answer.body.error).toBe('The body is not valid UTF-8: send JSON in UTF-8');
  });
});

test.each([
  ['200,000 of [', '['.repeat(200_000)],
  ['200,000 of {"a":', '{"a":'.repeat(200_000)],
])('%s are refused as no JSON', async (_name, body) => {
  const refusal = { status: 400, code: 'BAD_REQUEST' };
  await expectRefused(api, pool, () => api.call('POST', '/v1/tasks/example.echo', body), refusal);
});

test('F12: brackets to the limit of values, all closed, are refused for their depth', async () => {
  const body = `${'['.repeat(MAX_OBJECTS - 1)}${']'.repeat(MAX_OBJECTS - 1)}`;
  await expectRefused(api, pool, () => api.call('POST', '/v1/tasks/example.echo', body), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [{ path: `/body${'/0'.repeat(65)}`, message: 'is nested deeper than 64 levels' }],
  });
});

test('a byte order mark, white space and doubled keys are JSON', async () => {
  const send = (body: string) => api.call('POST', '/v1/tasks/example.echo', body);
  expect((await send('\uFEFF{"payload":{"message":"mark"}}')).status).toBe(201);
  expect((await send('\r\n\t {"payload":\n{"message":"space"}} \n')).status).toBe(201);
  const doubled = await send('{"payload":{"message":"first","message":"last"}}');
  expect(doubled.body.task.payload).toEqual({ message: 'last' });
});
