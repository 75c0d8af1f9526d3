import fc from 'fast-check';
import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { goodText, jsonOf, nested } from '../../core/arbitraries.ts';
import { bySql, expectSame } from './sql_and_http.ts';

// What errand.submit makes of payloads, held against what HTTP makes of the same text.

const { pool } = await createDatabase();
const api = await startApi(pool);
await registerDefinitions(pool, definitions);

const OTHERS = {
  'a prototype key': '{"__proto__": 1}',
  'one with more inside': '{"a": [{"__proto__": {"constructor": {"prototype": 1}}}]}',
  'a constructor with a prototype': '{"constructor": {"prototype": 1}}',
  'several problems': '{"constructor": {"prototype": 9007199254740993}, "n": 9007199254740993, "m": 1e-400}',
  'a constructor that is a list': '{"constructor": [{"prototype": 1}]}',
  'a prototype elsewhere': '{"constructor": {"name": "x"}, "prototype": 1}',
  'the words as texts':
    '{"constructor": "prototype", "__proto": "__proto__", "x": ["__proto__", "constructor"]}',
  'the words in keys': '{"a\\"__proto__": 1, "\\"constructor\\"": {"prototype": 1}}',
  'what looks like numbers': '{"text": "[9007199254740993, 1.10]", "n": 1.50}',
  nothing: '{}',
  'as deep as may be': `{"a": ${nested(63)}}`,
  'one level deeper': `{"a": ${nested(64)}}`,
  'much deeper': `{"a": ${nested(63)}, "b": ${nested(64)}, "c": [[${nested(300)}], 1]}`,
  'many objects': `{"a": [${'{"b":[]},'.repeat(200)}1.0]}`,
  'a hundred problems': `{"a": [${'9007199254740993,'.repeat(99)}9007199254740993]}`,
  'a long key': `{"${'k'.repeat(600)}": [1e-400]}`,
};

test.each(Object.entries(OTHERS))('a payload with %s is stored or refused as over HTTP', (_name, text) =>
  expectSame(pool, text),
);

test('at most 100 problems are told, as over HTTP', async () => {
  const verdict = await bySql(pool, `{"a": [${'9007199254740993,'.repeat(200)}1]}`);
  expect('problems' in verdict && verdict.problems).toHaveLength(100);
});

test('any payload is stored or refused as over HTTP', async () => {
  const keys = fc.oneof(goodText, fc.constantFrom('__proto__', 'constructor', 'prototype', 'a/b', '~'));
  const objects = fc.array(fc.tuple(keys, jsonOf(goodText, keys)), { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(objects, (entries) =>
      expectSame(
        pool,
        `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`,
      ),
    ),
    { numRuns: 200 },
  );
});

async function submitBySql(payload: string): Promise<{ id: string; created: boolean } | undefined> {
  const { rows } = await pool.query(
    `select id, created from errand.submit('example.sleep', $1, dedup => 'payload')`,
    [payload],
  );
  return rows[0];
}

test('equal payloads are one task, by SQL and over HTTP', async () => {
  const first = await submitBySql('{"ms": 10.0}');
  expect(await submitBySql('{"ms": 10}')).toMatchObject({ id: first?.id, created: false });
  expect(await submitBySql('{"ms": 1000e-2}')).toMatchObject({ id: first?.id, created: false });
  const body = '{"payload": {"ms": 10.00}, "dedup": "payload"}';
  const answer = await api.call('POST', '/v1/tasks/example.sleep', body, {
    'content-type': 'application/json',
  });
  expect(answer).toMatchObject({ status: 200, body: { created: false, task: { id: first?.id } } });
  const { rows } = await pool.query('select payload::text from errand.tasks where id = $1', [first?.id]);
  expect(rows).toEqual([{ payload: '{"ms": 10}' }]);
});

test('a payload that is refused ends the statement of the caller with 22023, and nothing enters', async () => {
  const count = async () => (await pool.query('select count(*) from errand.tasks')).rows[0];
  const before = await count();
  await expect(submitBySql('{"ms": 9007199254740993}')).rejects.toMatchObject({
    code: '22023',
    message: expect.stringMatching(/^\/payload\/ms is an integer beyond ±2\^53 .*, got 9007199254740993$/),
  });
  expect(await count()).toEqual(before);
});

test('how the session of the caller writes numbers does not change what is stored', async () => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('set local extra_float_digits = -3');
    const { rows } = await client.query(
      `select errand.storable('{"n": 0.30000000000000004}')::text as stored`,
    );
    expect(rows).toEqual([{ stored: '{"n": 0.30000000000000004}' }]);
  } finally {
    await client.query('rollback');
    client.release();
  }
});
