import fc from 'fast-check';
import { expect, test } from 'vitest';
import { policySchema } from '../../core/policy.ts';

test('the defaults are those of the specification (T5)', () => {
  expect(policySchema.parse({})).toEqual({
    maxAttempts: 25,
    backoff: { initialMs: 1_000, factor: 2, maxMs: 600_000, jitter: 0.2 },
    timeoutMs: 3_600_000,
    priority: 0,
    dedup: { strategy: 'payload' },
  });
});

test('what is given stays, and the rest of its group gets its defaults', () => {
  const given = {
    maxAttempts: 3,
    backoff: { initialMs: 5 },
    timeoutMs: 10,
    priority: -4,
    dedup: { strategy: 'key', windowSeconds: 60 },
    retentionHours: 0.5,
    concurrency: 2,
  } as const;
  expect(policySchema.parse(given)).toEqual({
    ...given,
    backoff: { initialMs: 5, factor: 2, maxMs: 600_000, jitter: 0.2 },
  });
});

/** Values just outside of each bound, and of another kind. */
const REFUSED: [string, unknown][] = [
  ...[0, 1_001, 1.5, '3'].map((maxAttempts): [string, unknown] => ['maxAttempts', { maxAttempts }]),
  ...[0, 86_400_001, 1.5].map((timeoutMs): [string, unknown] => ['timeoutMs', { timeoutMs }]),
  ...[-1_001, 1_001, 0.5].map((priority): [string, unknown] => ['priority', { priority }]),
  ...[0, -1, 87_601].map((retentionHours): [string, unknown] => ['retentionHours', { retentionHours }]),
  ...[0, 10_001].map((concurrency): [string, unknown] => ['concurrency', { concurrency }]),
  ...[0, 86_400_001].map((initialMs): [string, unknown] => ['backoff.initialMs', { backoff: { initialMs } }]),
  ...[0.9, 10.1].map((factor): [string, unknown] => ['backoff.factor', { backoff: { factor } }]),
  ...[-0.1, 1.1].map((jitter): [string, unknown] => ['backoff.jitter', { backoff: { jitter } }]),
  ['backoff.maxMs', { backoff: { initialMs: 601_000 } }],
  ['dedup.strategy', { dedup: { strategy: 'name' } }],
  ['dedup.windowSeconds', { dedup: { windowSeconds: 0 } }],
  ['dedup.windowSeconds', { dedup: { windowSeconds: 366 * 86_400 + 1 } }],
  ['', { retries: 3 }],
  ['backoff', { backoff: { delay: 3 } }],
  ['dedup', { dedup: { window: 3 } }],
];

test.each(REFUSED)('out of bounds or unknown is refused at %j: %j', (path, policy) => {
  const parsed = policySchema.safeParse(policy);
  expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
});

test('a policy that was accepted is accepted again, unchanged: defaults fill once', () => {
  const policy = fc.record(
    {
      maxAttempts: fc.integer({ min: 1, max: 1_000 }),
      timeoutMs: fc.integer({ min: 1, max: 86_400_000 }),
      priority: fc.integer({ min: -1_000, max: 1_000 }),
      concurrency: fc.integer({ min: 1, max: 10_000 }),
      dedup: fc.record({ strategy: fc.constantFrom('payload', 'key', 'none') }, { requiredKeys: [] }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(policy, (given) => {
      const once = policySchema.parse(given);
      expect(once).toMatchObject(given);
      expect(policySchema.parse(once)).toEqual(once);
    }),
  );
});
