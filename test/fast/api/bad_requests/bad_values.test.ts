import { describe, expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { expectRefused } from '../ledger.ts';
import { ECHO_ROUTES } from '../routes.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);

const NUL = 'contains the character NUL (\\u0000), which Postgres cannot store';
const SURROGATE = 'contains a lone surrogate, which is not valid Unicode';
const RANGE = 'is a number outside the range of a double';
const INTEGER = 'is an integer beyond ±2^53 that cannot be stored exactly: send it as a string';
const PROTOTYPE = 'it could change an object prototype';

/** A payload, then where in it something is wrong, and what. */
const VALUES: [string, string, string, string][] = [
  ['NUL in a text', '{"message":"a\\u0000b"}', '/message', `${NUL}, got "a\\u0000b"`],
  ['NUL in a key', '{"message":"a","k\\u0000":1}', '/k\uFFFD', `has a key that ${NUL}`],
  ['a high surrogate alone', '{"message":"\\ud800"}', '/message', `${SURROGATE}, got "\\ud800"`],
  ['a low surrogate alone', '{"message":"x\\udc00y"}', '/message', `${SURROGATE}, got "x\\udc00y"`],
  ['a lone surrogate in a key', '{"message":"a","\\ud800":1}', '/\uFFFD', `has a key that ${SURROGATE}`],
  ['1e400', '{"message":"a","count":1e400}', '/count', `${RANGE}, got 1e400`],
  ['-1E+400', '{"message":"a","count":-1E+400}', '/count', `${RANGE}, got -1E+400`],
  ['1e-400', '{"message":"a","count":1e-400}', '/count', `${RANGE}, got 1e-400`],
  ['2^53 + 1', '{"message":"a","count":9007199254740993}', '/count', `${INTEGER}, got 9007199254740993`],
  ['-(2^53 + 1)', '{"message":"a","x":[-9007199254740993]}', '/x/0', `${INTEGER}, got -9007199254740993`],
  ['a prototype key', '{"message":"a","__proto__":{"x":1}}', '/__proto__', PROTOTYPE],
  ['a prototype key inside', '{"message":{"a":[{"__proto__":1}]}}', '/message/a/0/__proto__', PROTOTYPE],
  [
    'a constructor with a prototype',
    '{"message":"a","constructor":{"prototype":{}}}',
    '/constructor',
    PROTOTYPE,
  ],
];

describe.each(ECHO_ROUTES)('by $route', ({ path, wrap, at }) => {
  test.each(VALUES)('%s is refused where it is, with its value', async (_name, payload, where, message) => {
    const answer = await expectRefused(api, pool, () => api.call('POST', path, wrap(payload)), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: `${at}${where}`, message: expect.stringContaining(message) }],
    });
    expect(answer.body.error).toBe('The body contains values that cannot be stored: correct them');
  });

  test.each([65, 10_000])('nested %i levels deep is refused', async (depth) => {
    const payload = `{"message":${'['.repeat(depth)}1234567890123456789${']'.repeat(depth)}}`;
    const answer = await expectRefused(api, pool, () => api.call('POST', path, wrap(payload)), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: 'some',
    });
    expect(answer.body.details).toHaveLength(1);
    expect(answer.body.details[0].path).toMatch(/\/message(\/0)+$/);
    expect(answer.body.details[0].message).toBe('is nested deeper than 64 levels');
  });

  // As by SQL (test/fast/store/submit/sql_payloads.test.ts).
  test('64 levels are taken, counted from the payload', async () => {
    const nested = (levels: number) => `{"message":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    const messageOf = async (levels: number): Promise<string> => {
      const { body } = await api.call('POST', path, wrap(nested(levels)));
      const items = (body.items ?? []) as { errors?: { message: string }[] }[];
      return (body.details ?? items.flatMap(({ errors = [] }) => errors))[0].message;
    };
    expect(await messageOf(64)).toMatch(/^must be string/);
    expect(await messageOf(65)).toBe('is nested deeper than 64 levels');
  });

  test('all of it is told at once', async () => {
    const payload = '{"message":"\\u0000","count":1e400,"a":{"b/c~":["\\ud800",9007199254740993]}}';
    await expectRefused(api, pool, () => api.call('POST', path, wrap(payload)), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [
        { path: `${at}/message`, message: `${NUL}, got "\\u0000"` },
        { path: `${at}/count`, message: `${RANGE}, got 1e400` },
        { path: `${at}/a/b~1c~0/0`, message: `${SURROGATE}, got "\\ud800"` },
        { path: `${at}/a/b~1c~0/1`, message: `${INTEGER}, got 9007199254740993` },
      ],
    });
  });
});

test('F12: bad values are refused in every option too', async () => {
  for (const option of ['dedup_key', 'initiator', 'source_system', 'reason', 'version']) {
    const body = `{"payload":{"message":"a"},"${option}":"x\\u0000"}`;
    await expectRefused(api, pool, () => api.call('POST', '/v1/tasks/example.echo', body), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [{ path: `/body/${option}`, message: `${NUL}, got "x\\u0000"` }],
    });
  }
  const body = '{"payload":{"message":"a"},"tags":["fine","\\udfff"],"priority":1e999}';
  await expectRefused(api, pool, () => api.call('POST', '/v1/tasks/example.echo', body), {
    status: 400,
    code: 'VALIDATION_FAILED',
    details: [
      { path: '/body/tags/1', message: `${SURROGATE}, got "\\udfff"` },
      { path: '/body/priority', message: `${RANGE}, got 1e999` },
    ],
  });
});

test('no more than a hundred problems are told, and a long key is shortened', async () => {
  const texts = Array.from({ length: 500 }, () => '"\\u0000"').join();
  const many = await api.call('POST', '/v1/tasks/example.echo', `{"payload":{"message":[${texts}]}}`);
  expect(many.status).toBe(400);
  expect(many.body.details).toHaveLength(100);
  const long = await api.call('POST', '/v1/tasks/example.echo', `{"${'k'.repeat(100_000)}":"\\u0000"}`);
  expect(long.body.details[0].path.length).toBeLessThan(1_000);
  expect(long.text.length).toBeLessThan(2_000);
});

test('what looks alike but is fine goes through exactly', async () => {
  const json =
    '{"max":9007199254740992,"min":-9007199254740991,"big":1e308,"small":5e-324,"exact":100000000000000000000,' +
    '"text":"\\\\u0000 is six characters 🚚 \\ud83d\\ude9a","constructor":1,"prototype":{"a":1},"empty":"","nested":' +
    `${'['.repeat(60)}${']'.repeat(60)},"0.1":0.1}`;
  const payload = `{"url":"https://example.com/","method":"POST","json":${json}}`;
  const { status, body } = await api.call('POST', '/v1/tasks/http.request', `{"payload":${payload}}`);
  expect(status).toBe(201);
  const read = await api.call('GET', `/v1/tasks/${body.task.id}`);
  expect(read.body.payload.json).toEqual(JSON.parse(json));
});
