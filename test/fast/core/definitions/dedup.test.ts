import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseDedup, DEDUP_OPTIONS, type Dedup } from '../../../../core/definitions/dedup.ts';
import { DEDUP_STRATEGIES, type DedupStrategy, policySchema } from '../../../../core/definitions/policy.ts';
import { ErrandError } from '../../../../core/errors.ts';

type Asked = { dedup?: (typeof DEDUP_OPTIONS)[number]; dedupKey?: string; idempotencyKey?: string };

const BY_PAYLOAD: Dedup = { dedup: 'payload', key: null };
const NOT_AT_ALL: Dedup = { dedup: null, key: null };

function choose(strategy: DedupStrategy, asked: Asked = {}): Dedup {
  return chooseDedup(policySchema.parse({ dedup: { strategy } }), { path: '/body', ...asked });
}

function refusal(strategy: DedupStrategy, asked: Asked): unknown {
  try {
    return choose(strategy, asked);
  } catch (error) {
    return error;
  }
}

test('nothing asked and no key: the strategy of the definition', () => {
  expect(choose('payload')).toEqual(BY_PAYLOAD);
  expect(choose('none')).toEqual(NOT_AT_ALL);
  expect(refusal('key', {})).toBeInstanceOf(ErrandError);
});

test('a key that comes along goes before the strategy of the definition', () => {
  for (const strategy of DEDUP_STRATEGIES) {
    expect(choose(strategy, { dedupKey: 'k' })).toEqual({ dedup: 'key', key: 'k' });
    expect(choose(strategy, { idempotencyKey: 'i' })).toEqual({ dedup: 'idempotency_key', key: 'i' });
    expect(choose(strategy, { dedupKey: 'k', idempotencyKey: 'i' })).toEqual({ dedup: 'key', key: 'k' });
  }
});

test('what the submission asks for goes before everything, also before its own keys', () => {
  for (const strategy of DEDUP_STRATEGIES) {
    for (const keys of [{}, { dedupKey: 'k' }, { idempotencyKey: 'i' }]) {
      expect(choose(strategy, { dedup: 'payload', ...keys })).toEqual(BY_PAYLOAD);
      expect(choose(strategy, { dedup: 'none', ...keys })).toEqual(NOT_AT_ALL);
    }
    expect(choose(strategy, { dedup: 'key', dedupKey: 'k' })).toEqual({ dedup: 'key', key: 'k' });
  }
});

test('by the definition, a key that comes along makes a submission no other one than its definition says', () => {
  for (const keys of [
    {},
    { dedupKey: 'k' },
    { idempotencyKey: 'i' },
    { dedupKey: 'k', idempotencyKey: 'i' },
  ]) {
    expect(choose('payload', { dedup: 'definition', ...keys })).toEqual(BY_PAYLOAD);
  }
  expect(choose('none', { dedup: 'definition', dedupKey: 'k' })).toEqual(NOT_AT_ALL);
  expect(choose('key', { dedup: 'definition', dedupKey: 'k', idempotencyKey: 'i' })).toEqual({
    dedup: 'key',
    key: 'k',
  });
  expect(refusal('key', { dedup: 'definition', idempotencyKey: 'i' })).toBeInstanceOf(ErrandError);
});

test('by the definition, where nothing makes two submissions the same, the key makes one safe to repeat', () => {
  const byKey = { dedup: 'idempotency_key', key: 'i' };
  expect(choose('none', { dedup: 'definition', idempotencyKey: 'i' })).toEqual(byKey);
  expect(choose('none', { dedup: 'definition', dedupKey: 'k', idempotencyKey: 'i' })).toEqual(byKey);
});

test('by key and without one: refused, pointing at the field of this submission', () => {
  const error = refusal('payload', { dedup: 'key' });
  expect(error).toMatchObject({
    code: 'VALIDATION_FAILED',
    details: [{ path: '/body/dedup_key', message: expect.stringContaining('is required') }],
  });
});

test('a choice never mixes: without a strategy no key, by payload no key, by key always one', () => {
  const maybeKey = fc.option(fc.string(), { nil: undefined });
  const asked = fc.record({
    dedup: fc.option(fc.constantFrom(...DEDUP_OPTIONS), { nil: undefined }),
    dedupKey: maybeKey,
    idempotencyKey: maybeKey,
  });
  fc.assert(
    fc.property(fc.constantFrom(...DEDUP_STRATEGIES), asked, (strategy, given) => {
      // By the definition, an Idempotency-Key is none of what makes two the same.
      const counts = given.dedup !== 'definition' || strategy === 'none';
      const brought = [given.dedupKey, counts ? given.idempotencyKey : undefined].filter(
        (key) => key !== undefined,
      );
      const chosen = refusal(strategy, given as Asked);
      if (chosen instanceof ErrandError) {
        expect(brought).toEqual([]);
        return;
      }
      const { dedup, key } = chosen as Dedup;
      if (dedup === null || dedup === 'payload') expect(key).toBeNull();
      else expect(brought).toContain(key);
    }),
  );
});

test('a burst never mixes: its key is that of the submission, and what it cannot be combined with is refused', () => {
  const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
  const seconds = maybe(fc.integer({ min: 1, max: 100 }));
  const asked = fc.record({
    dedup: maybe(fc.constantFrom(...DEDUP_OPTIONS)),
    dedupKey: maybe(fc.string({ minLength: 1 })),
    idempotencyKey: maybe(fc.string({ minLength: 1 })),
    debounceSeconds: seconds,
    throttleSeconds: seconds,
    dedupWindowSeconds: seconds,
  });
  const policies = fc.oneof(
    fc.constant({}),
    fc.record({ debounceSeconds: fc.constant(7), debounceMaxSeconds: maybe(fc.constant(30)) }),
    fc.constant({ throttleSeconds: 7 }),
  );
  fc.assert(
    fc.property(policies, asked, (policy, given) => {
      const isAsked = given.debounceSeconds !== undefined || given.throttleSeconds !== undefined;
      const isOther = given.dedup !== undefined && given.dedup !== 'definition';
      const isBurst = isAsked || (!isOther && Object.keys(policy).length > 0);
      const isRefused =
        (given.debounceSeconds !== undefined && given.throttleSeconds !== undefined) ||
        isOther ||
        given.dedupWindowSeconds !== undefined ||
        (given.idempotencyKey !== undefined && given.dedup === undefined);
      const choosing = () => chooseDedup(policySchema.parse(policy), { path: '/body', ...given });
      if (!isBurst) return;
      if (isRefused) return void expect(choosing).toThrow(ErrandError);
      const chosen = choosing();
      const own = isAsked ? given : (policy as typeof given);
      expect(chosen.key).toBe(given.dedupKey ?? null);
      if (chosen.dedup === 'debounce') {
        expect(chosen.seconds).toBe(own.debounceSeconds);
        expect(chosen.maxSeconds).toBeGreaterThanOrEqual(chosen.seconds);
      } else expect(chosen).toMatchObject({ dedup: 'throttle', seconds: own.throttleSeconds });
    }),
  );
});
