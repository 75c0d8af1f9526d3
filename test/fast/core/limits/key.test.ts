import fc from 'fast-check';
import { expect, test } from 'vitest';
import { limitKeys, withKeys } from '../../../../core/limits/key.ts';
import type { LimitRule } from '../../../../core/limits/rules.ts';

const rule = (key?: (payload: never) => unknown): LimitRule => ({
  ...{ name: 'a.x', limit: 1, scope: 'pool', isKeyed: key !== undefined },
  ...(key === undefined ? {} : { key: key as (payload: never) => string }),
});

test('a rule without a key has the empty one, and a key is what the function makes of the payload', () => {
  expect(limitKeys([rule(), rule(({ id }: { id: string }) => `k${id}`)], { id: '1' })).toEqual({
    ok: true,
    keys: [
      ['a.x', ''],
      ['a.x', 'k1'],
    ],
  });
});

test.each([
  [
    'throws',
    () => {
      throw new Error('no tenant');
    },
    'could not be computed, because its function threw an error',
  ],
  [
    'throws what cannot be read',
    () => {
      throw Object.create(null);
    },
    'could not be computed, because',
  ],
  ['gives undefined', () => undefined, 'must be a text, got undefined'],
  ['gives a number', () => 7, 'must be a text, got number'],
  ['gives a promise', async () => 'x', 'must be a text, got object'],
  ['gives nothing', () => '', 'must have 1 to 512 characters, got 0'],
  ['gives 1 MB', () => 'x'.repeat(1_048_576), 'must have 1 to 512 characters, got 1048576'],
  ['gives a null character', () => 'a\0b', 'must be a text that Postgres can hold'],
  ['gives half a character', () => 'a\ud800', 'must be a text that Postgres can hold'],
])('the key function %s: the submission is refused with the limit and the reason', (_what, key, why) => {
  const verdict = withKeys({ ok: true, value: {} }, { concurrency: [rule(key)] }, '/payload');
  expect(verdict).toMatchObject({ ok: false, details: [{ path: '/payload' }] });
  expect((verdict as { details: { message: string }[] }).details[0]?.message).toContain(
    `The key of the limit a.x ${why}`,
  );
});

test('any text of up to 512 characters is a key, also one that means something elsewhere', () => {
  const text = fc
    .string({ minLength: 1, maxLength: 512, unit: 'grapheme' })
    .filter((one) => one.length <= 512 && !one.includes('\0'));
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom('*', '%', "'", '__proto__', ' '), text), (key) => {
      expect(limitKeys([rule(() => key)], {})).toEqual({ ok: true, keys: [['a.x', key]] });
    }),
  );
});
