import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseDedup, type Dedup } from '../../core/dedup.ts';
import { ErrandError } from '../../core/errors.ts';
import { DEDUP_STRATEGIES, type DedupStrategy, policySchema } from '../../core/policy.ts';

type Asked = { dedup?: DedupStrategy; dedupKey?: string; idempotencyKey?: string };

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
    dedup: fc.option(fc.constantFrom(...DEDUP_STRATEGIES), { nil: undefined }),
    dedupKey: maybeKey,
    idempotencyKey: maybeKey,
  });
  fc.assert(
    fc.property(fc.constantFrom(...DEDUP_STRATEGIES), asked, (strategy, given) => {
      const brought = [given.dedupKey, given.idempotencyKey].filter((key) => key !== undefined);
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
