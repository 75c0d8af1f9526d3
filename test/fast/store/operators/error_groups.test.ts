import { expect, test } from 'vitest';
import { toErrorRecord } from '../../../../runner/record/classify.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();

async function groupOf(thrown: unknown): Promise<string> {
  const { rows } = await pool.query<{ group: string }>(
    `select errand.error_group('t.fail', $1::jsonb) as "group"`,
    [JSON.stringify(toErrorRecord(thrown))],
  );
  return rows[0]?.group ?? '';
}

async function groupsOf(thrown: readonly unknown[]): Promise<number> {
  return new Set(await Promise.all(thrown.map(groupOf))).size;
}

async function words(message: string): Promise<string> {
  const { rows } = await pool.query<{ words: string }>('select errand.error_words($1) as words', [message]);
  return rows[0]?.words ?? '';
}

const kinds: [what: string, placeholder: string, cases: string[]][] = [
  [
    'e-mail addresses',
    '<email>',
    ['ann@example.com', 'b.en+list@mail.example.co.uk', 'cyd_7@localhost', 'müller@bücher.example', 'x@y.z'],
  ],
  [
    'URLs',
    '<url>',
    [
      'https://a.example/v1/x?y=1&z=[2]#f',
      'http://10.0.0.1:8080/',
      'postgres://user:pw@db-1:5432/app',
      's3://bucket/key',
      'https://[::1]:3000',
    ],
  ],
  [
    'hosts and addresses',
    '<host>',
    [
      'db.example.com',
      'db-1.eu-west-1.internal:5432',
      'example.org',
      'localhost',
      'localhost:80',
      '10.0.0.1',
      '127.0.0.1:5432',
      '::1',
      '::1:5432',
      '[::1]:5432',
      'fe80::1ff:fe23:4567:890a',
      '2001:db8::ff00:42:8329',
      'redis:6379',
    ],
  ],
  [
    'paths',
    '<path>',
    ['/var/lib/a.txt', './out/b', '~/c', 'src/index.ts:12:5', 'C:\\data\\d.csv', '/tmp/3f2a/e', '/'],
  ],
  [
    'ids and numbers',
    '<n>',
    [
      '17',
      '4,711.50',
      '-3',
      '0.001ms',
      '01a1fda3-8ecb-7e32-bbab-5d3baba36f01',
      'deadbeefcafe',
      '0xdeadbeef',
      'cus_9s6XKzkNRiZ8i3',
      '2026-11-29',
      '2026-11-29T18:30:38.123Z',
      'a1b2c3',
    ],
  ],
  ['quoted text', '<text>', ['"ann"', "'b c'", '`d`', '"ann@example.com"', "'https://e.example/'"]],
];

test.each(kinds)('%s in a message are one group, whichever they are', async (_what, placeholder, cases) => {
  for (const shown of cases) {
    expect([shown, await words(`could not reach ${shown} in time`)]).toEqual([
      shown,
      `could not reach ${placeholder} in time`,
    ]);
  }
  expect(await groupsOf(cases.map((shown) => new Error(`mailing ${shown} failed`)))).toBe(1);
});

test('what is said stays apart: words, apostrophes, and names of code', async () => {
  const messages = [
    'user not found',
    'order not found',
    "can't read user, won't try",
    "can't read order, won't try",
    'db.query is not a function',
    'db.close is not a function',
    'cache.get() failed',
    'cache.set() failed',
    '',
  ];
  expect(await groupsOf(messages.map((message) => new Error(message)))).toBe(messages.length);
});

test('errors of different causes are different groups, and of causes that differ by case one', async () => {
  const failed = (cause: unknown): Error => new TypeError('fetch failed', { cause });
  const refused = (address: string): Error =>
    Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });
  const expired = Object.assign(new Error('certificate has expired'), { code: 'CERT_HAS_EXPIRED' });
  const both = Object.assign(new AggregateError([refused('::1:80'), refused('127.0.0.1:80')]), {
    code: 'ECONNREFUSED',
  });
  expect(
    await groupsOf([failed(refused('10.0.0.1:80')), failed(refused('[::1]:8080')), failed(refused('a:81'))]),
  ).toBe(1);
  const others = [
    undefined,
    refused('10.0.0.1:80'),
    expired,
    both,
    'a text',
    new Error('outer', { cause: expired }),
  ];
  expect(await groupsOf(others.map(failed))).toBe(others.length);
});

test('the order of the errors of an AggregateError, and how often one is there, make no other group', async () => {
  const one = (port: number): Error => new Error(`no answer from 10.0.0.${port}`);
  const other = new Error('reset');
  const all = [
    [one(1), other],
    [other, one(2)],
    [one(3), one(4), other],
  ];
  expect(await groupsOf(all.map((errors) => new AggregateError(errors, 'all failed')))).toBe(1);
});

test('a code makes a group of its own, be it a text or a number', async () => {
  const coded = (code: unknown): Error => Object.assign(new Error('refused'), { code });
  expect(await groupsOf([coded('E_CARD'), coded('E_LIMIT'), coded(402), coded(409), coded(undefined)])).toBe(
    5,
  );
  expect(await groupsOf([coded('x'.repeat(200)), coded('x'.repeat(300))])).toBe(1);
});

test('a long record costs no more than its bounded beginning', async () => {
  const long =
    'Could not deliver order 4711 of ann@example.com to https://a.example/x, file /tmp/a.txt. '.repeat(100);
  const { rows } = await pool.query<{ same: boolean }>(
    'select errand.error_words($1) = errand.error_words(left($1, 1000)) as same',
    [long],
  );
  expect(rows).toEqual([{ same: true }]);
});

test('whatever is in an error column, computing its group fails nothing', async () => {
  const groupOfJson = async (error: string): Promise<unknown> => {
    const { rows } = await pool.query(`select errand.error_group('t.fail', $1::jsonb) as "group"`, [error]);
    return rows[0].group;
  };
  for (const error of ['null', '{}', '[]', '"text"', '{"causes":[1,null,{}]}']) {
    expect([error, await groupOfJson(error)]).toEqual([error, null]);
  }
  for (const causes of ['{}', '5', '[]', '[1,null,{},[]]']) {
    expect(await groupOfJson(`{"message":5,"causes":${causes}}`)).toMatch(/^t\.fail:[0-9a-f]{16}$/);
  }
});
