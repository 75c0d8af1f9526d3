import { describe, expect, inject, test } from 'vitest';
import { z } from 'zod';
import { createRegistry } from '../../../../core/registry.ts';
import { defineTask } from '../../../../core/task.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';

// errand.submit takes what HTTP takes, and refuses what HTTP refuses: at each bound, and one beyond.

const anything = defineTask({
  name: 'bounds.anything',
  version: '1.0.0',
  description: 'For these tests',
  payload: z.looseObject({}),
  policy: { dedup: { strategy: 'none' } },
  example: {},
});

const { pool } = await createDatabase();
const api = await startApi(pool, {
  registry: createRegistry([anything]),
  config: testConfig({ WEBHOOK_SECRETS: `whsec_${Buffer.alloc(32).toString('base64')}` }),
});
await registerDefinitions(pool, [anything]);

type Options = Record<string, unknown>;

/** The status of HTTP, and what it says of the first problem. */
async function byHttp(options: Options): Promise<{ status: number; message: string }> {
  const { status, body } = await api.call('POST', '/v1/tasks/bounds.anything', { payload: {}, ...options });
  return { status, message: body.details?.[0]?.message ?? body.error ?? '' };
}

/** The SQLSTATE and the message of errand.submit; '' and '' when it has taken the task. */
async function bySql(options: Options): Promise<{ code: string; message: string }> {
  const { payload = {}, ...rest } = options;
  const names = Object.keys(rest);
  const named = names.map((name, index) => `, ${name} => $${index + 2}`).join('');
  try {
    await pool.query(`select errand.submit('bounds.anything', $1${named})`, [
      typeof payload === 'string' ? payload : JSON.stringify(payload),
      ...Object.values(rest),
    ]);
    return { code: '', message: '' };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return { code: code ?? '', message };
  }
}

const letters = (count: number): string => 'ä'.repeat(count);
/** A character that is two of JavaScript's and four bytes. */
const faces = (count: number): string => '😀'.repeat(count);
const url = (length: number): string => `https://a.example.com/${'a'.repeat(length - 22)}`;
const tagsOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `tag ${index}`);

/** What is taken, and what is not: one argument each. */
const ARGUMENTS: [string, unknown[], unknown[]][] = [
  ['priority', [-1_000, 1_000], [-1_001, 1_001]],
  ['max_attempts', [1, 1_000], [0, 1_001]],
  ['dedup', ['none', 'payload'], ['', 'sometimes']],
  ['dedup_key', [letters(1), letters(512), faces(512)], ['', letters(513), faces(513)]],
  ['initiator', [letters(1), faces(200)], ['', letters(201)]],
  ['source_system', [letters(1), letters(200)], ['', letters(201)]],
  ['reason', [letters(1), letters(1_000)], ['', letters(1_001)]],
  ['tags', [[], tagsOf(20), [letters(100)]], [tagsOf(21), ['a', ''], [letters(101)], ['a', 'b', 'a']]],
  [
    'run_at',
    ['1970-01-01T00:00:00Z', '9999-12-31T23:59:59.999Z'],
    ['1969-12-31T23:59:59Z', '9999-12-31T23:59:59-01:00'],
  ],
  [
    'callback_url',
    [url(2_048), 'HTTP://a.example.com:65535/x?y#z', 'https://a.example.com/@b'],
    [
      url(2_049),
      'ftp://a.example.com',
      'https://a b',
      'https://ü.example.com',
      'https://u:p@a.example.com',
      'https://a.example.com:65536',
      'https://[::1',
      'https://:80/',
    ],
  ],
];

describe.each(ARGUMENTS)('%s', (name, taken, refused) => {
  test.each(taken.map((value) => [value]))(
    'what is within its bounds is taken by both, case %#',
    async (value) => {
      expect(await bySql({ [name]: value })).toEqual({ code: '', message: '' });
      // 200: it is the task that SQL has made.
      expect((await byHttp({ [name]: value })).status).toBeOneOf([200, 201]);
    },
  );

  test.each(refused.map((value) => [value]))(
    'what is beyond them is refused by both, case %#',
    async (value) => {
      expect(await byHttp({ [name]: value })).toMatchObject({ status: 400 });
      const { code, message } = await bySql({ [name]: value });
      expect({ code, message }).toEqual({ code: '22023', message: expect.stringMatching(`^${name}: `) });
      expect(message.length).toBeLessThan(300);
    },
  );
});

test.each([
  ['infinity'],
  ['-infinity'],
  ['294276-12-31 23:59:59+00'],
  ['10000-01-01 00:00:00+00'],
  ['0044-03-15 00:00:00+00 BC'],
])('the time %s, which only SQL can say, is refused with its value and what to do', async (value) => {
  const { code, message } = await bySql({ run_at: value });
  expect(code).toBe('22023');
  expect(message).toMatch(/^run_at: must be a time from 1970 to 9999 such as 2026-01-31T12:00:00Z, got "/);
});

test.each([
  ['1 second', '366 days'],
  ['31622400 seconds', '8784 hours'],
])('the windows %s and %s are taken', async (...windows) => {
  for (const window of windows)
    expect(await bySql({ dedup_key: 'w', dedup_window: window })).toMatchObject({ code: '' });
});

/** Postgres has infinite intervals from 17 on, and refuses the text itself before that. */
const INFINITE = inject('postgresVersion') < 17 ? [] : [['infinity'], ['-infinity']];

test.each([['0 seconds'], ['-1 second'], ['31622401 seconds'], ['2 years'], ...INFINITE])(
  'the window %s is refused',
  async (window) => {
    expect(await bySql({ dedup_key: 'w', dedup_window: window })).toEqual({
      code: '22023',
      message: expect.stringMatching(/^dedup_window: must be from 1 second to 366 days, got "/),
    });
  },
);

test('lists of lists and nulls are no tags', async () => {
  for (const tags of ['{{a,b},{c,d}}', '{a,null}']) {
    expect(await bySql({ tags })).toMatchObject({ code: '22023', message: expect.stringMatching(/^tags: /) });
  }
});

/** A body of HTTP that has this payload and nothing else is as large as may be when `spare` is 0. */
const MAX_BYTES = 10 * 1024 * 1024;
const around = '{"payload": {"text": ""}}'.length;
const largeText = (spare: number): string => `{"text": "${'a'.repeat(MAX_BYTES - around - spare)}"}`;
const manyValues = (count: number): string => `{"list": [${'0, '.repeat(count - 1)}0]}`;
const manyNames = (count: number): string =>
  `{"list": [${Array.from({ length: count }, (_, index) => `{"n${index}": ": \\" {[,"}`).join(', ')}]}`;

/** Beside its items a body has the payload, the list and itself; and two names of its own. */
const PAYLOADS: [string, string, string, string][] = [
  ['10 MB', largeText(0), largeText(-1), 'must have at most 10 MB as JSON'],
  [
    '500,000 values',
    manyValues(500_000 - 3),
    manyValues(500_000 - 2),
    'must have at most 500000 values (properties and items)',
  ],
  [
    '50,000 names',
    manyNames(50_000 - 2),
    manyNames(50_000 - 1),
    'must have at most 50000 different names of properties',
  ],
];

test.each(PAYLOADS)(
  'a payload of %s is taken by both, and one more refused',
  async (_what, most, more, words) => {
    const post = async (payload: string): Promise<number> => {
      const headers = { 'content-type': 'application/json' };
      return (await api.call('POST', '/v1/tasks/bounds.anything', `{"payload": ${payload}}`, headers)).status;
    };
    expect([await post(most), await post(more)]).toEqual([201, 413]);
    expect(await bySql({ payload: most })).toEqual({ code: '', message: '' });
    expect(await bySql({ payload: more })).toEqual({
      code: '22023',
      message: expect.stringContaining(`payload: ${words}`),
    });
  },
);

test('an endless name is shown in short', async () => {
  const statement = `select errand.submit(repeat('a', 1000000), '{}')`;
  const error = await pool.query(statement).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: '42704' });
  expect(String(error).length).toBeLessThan(400);
});
