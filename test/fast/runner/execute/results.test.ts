import { expect, test } from 'vitest';
import { z } from 'zod';
import { createDatabase } from '../../../support/database.ts';
import { run } from '../one_task.ts';

// Specification D1, D2: what JSON would change of a result in silence is refused, and a date is ISO text.

const { pool } = await createDatabase();

const LOST: [string, () => unknown, string][] = [
  ['a Map', () => new Map([['a', 1]]), 'is an instance of Map'],
  ['a Set', () => new Set([1]), 'is an instance of Set'],
  ['NaN', () => Number.NaN, 'is NaN'],
  ['Infinity', () => Number.POSITIVE_INFINITY, 'is Infinity'],
  ['an Error', () => new Error('boom'), 'is an instance of Error'],
  ['a promise that was not awaited', () => Promise.resolve(1), 'is a promise that was not awaited'],
  ['one that fails', () => Promise.reject(new Error('late')), 'is a promise that was not awaited'],
  ['a bigint', () => 12n, 'is the bigint 12'],
  ['undefined in a list', () => undefined, 'is undefined'],
];

test.each(LOST)('%s in a result fails for good, with its path', async (_what, make, message) => {
  for (const more of [{}, { result: z.object({ seen: z.array(z.unknown()) }) }]) {
    const task = await run(pool, 'results.lost', () => ({ seen: ['fine', make()] }), more);
    expect(task).toMatchObject({
      state: 'failed',
      attempt: 1,
      result: null,
      error: {
        error_code: 'INVALID_RESULT',
        retryable: false,
        message: 'The result of results.lost cannot be recorded as JSON',
        metadata: { details: [{ path: '/result/seen/1', message: expect.stringContaining(message) }] },
      },
    });
  }
});

test('nor does a transform of the schema make what JSON would lose', async () => {
  const result = z.object({
    id: z
      .string()
      .transform((text) => BigInt(text))
      .pipe(z.any()),
  });
  expect(await run(pool, 'results.transformed', () => ({ id: '12' }), { result })).toMatchObject({
    state: 'failed',
    error: { error_code: 'INVALID_RESULT', metadata: { details: [{ path: '/result/id' }] } },
  });
});

test.each<[string, unknown]>([
  ['NaN', Number.NaN],
  ['a function', () => 1],
  ['undefined', undefined],
  ['a toJSON that gives null', { toJSON: () => null }],
])('%s is not recorded as null where the schema has no null', async (_what, given) => {
  for (const result of [z.number(), z.object({ value: z.number() })]) {
    for (const value of [given, { value: given }]) {
      expect(await run(pool, 'results.null', () => value, { result })).toMatchObject({
        state: 'failed',
        error: { error_code: 'INVALID_RESULT', retryable: false },
      });
    }
  }
});

test('a property that the schema does not list is not dropped, but refused with its path', async () => {
  const result = z.object({ n: z.number(), inner: z.object({}) });
  expect(await run(pool, 'results.closed', () => ({ n: 1, inner: { more: 1 } }), { result })).toMatchObject({
    state: 'failed',
    error: { error_code: 'INVALID_RESULT', metadata: { details: [{ path: '/result/inner/more' }] } },
  });
});

test('a date of the schema is ISO text', async () => {
  const result = z.object({ at: z.date(), list: z.array(z.date()) });
  const at = new Date(0);
  expect(await run(pool, 'results.dated', () => ({ at, list: [at] }), { result })).toMatchObject({
    state: 'succeeded',
    result: { at: '1970-01-01T00:00:00.000Z', list: ['1970-01-01T00:00:00.000Z'] },
  });
  expect(
    await run(pool, 'results.undated', () => ({ at: new Date('x'), list: [] }), { result }),
  ).toMatchObject({
    error: { error_code: 'INVALID_RESULT', metadata: { details: [{ path: '/result/at' }] } },
  });
});

test('what the schema itself makes NaN is not recorded as null', async () => {
  const result = z
    .number()
    .transform((value) => value / 0 - value / 0)
    .pipe(z.any());
  expect(await run(pool, 'results.null', () => 1, { result })).toMatchObject({
    state: 'failed',
    error: { error_code: 'INVALID_RESULT', metadata: { details: [{ path: '/result' }] } },
  });
});

test.each<[string, unknown, unknown]>([
  ['a date', { at: new Date(0) }, { at: '1970-01-01T00:00:00.000Z' }],
  ['a property that is undefined', { a: 1, b: undefined }, { a: 1 }],
  ['what has a toJSON', { at: new URL('https://example.com/') }, { at: 'https://example.com/' }],
  ['nothing', undefined, null],
  ['null', null, null],
  ['negative zero', [-0], [0]],
])('%s is recorded', async (_what, given, recorded) => {
  expect(await run(pool, 'results.fine', () => given)).toMatchObject({
    state: 'succeeded',
    result: recorded,
  });
});
