import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Backoff, backoffMs, policySchema } from '../../../../core/definitions/policy.ts';

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
  ...[0, -1, 1.5, 100_001, '2', null].map((limit): [string, unknown] => [
    'concurrency.0.limit',
    { concurrency: limit },
  ]),
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

/** Evenly spread: most doubles of a range are next to nothing. */
function thousandths(min: number, max: number): fc.Arbitrary<number> {
  return fc.integer({ min: min * 1_000, max: max * 1_000 }).map((count) => count / 1_000);
}

const DAY_MS = 86_400_000;
const bounds = fc
  .tuple(fc.integer({ min: 1, max: DAY_MS }), fc.integer({ min: 1, max: DAY_MS }))
  .map(([a, b]) => ({ initialMs: Math.min(a, b), maxMs: Math.max(a, b) }));
/** Every backoff that a policy may have. */
const backoff: fc.Arbitrary<Backoff> = fc
  .record({
    bounds,
    factor: thousandths(1, 10),
    jitter: thousandths(0, 1),
  })
  .map(({ bounds, ...rest }) => ({ ...bounds, ...rest }));
const attempt = fc.integer({ min: 1, max: 2_000 });
const random = thousandths(0, 0.999);
const steady = backoff.map((given) => ({ ...given, jitter: 0 }));

test('what is drawn here is what a policy accepts', () => {
  fc.assert(
    fc.property(backoff, (given) => {
      expect(policySchema.parse({ backoff: given }).backoff).toEqual(given);
    }),
  );
});

test('the delay is a whole number of ms, at least 1 and never above the cap', () => {
  fc.assert(
    fc.property(backoff, attempt, random, (given, n, draw) => {
      const delay = backoffMs(given, n, draw);
      expect(Number.isInteger(delay)).toBe(true);
      expect(delay).toBeGreaterThanOrEqual(1);
      expect(delay).toBeLessThanOrEqual(given.maxMs);
    }),
  );
});

test('without jitter it never shrinks from one attempt to the next, and ends at the cap', () => {
  fc.assert(
    fc.property(steady, attempt, random, (given, n, draw) => {
      expect(backoffMs(given, n + 1, draw)).toBeGreaterThanOrEqual(backoffMs(given, n, draw));
      expect(backoffMs({ ...given, factor: Math.max(given.factor, 1.1) }, 2_000, draw)).toBe(given.maxMs);
    }),
  );
});

test('without jitter it is exactly initialMs * factor^(n-1), whatever is drawn', () => {
  const given = { initialMs: 100, factor: 3, maxMs: 10_000, jitter: 0 };
  expect([1, 2, 3, 4, 5, 6].map((n) => backoffMs(given, n, 0.9))).toEqual([
    100, 300, 900, 2_700, 8_100, 10_000,
  ]);
});

test('jitter spreads it to both sides by its share, and no further', () => {
  fc.assert(
    fc.property(backoff, attempt, random, (given, n, draw) => {
      const middle = Math.min(given.initialMs * given.factor ** (n - 1), given.maxMs);
      const delay = backoffMs(given, n, draw);
      expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * (1 - given.jitter)));
      expect(delay).toBeLessThanOrEqual(Math.ceil(middle * (1 + given.jitter)));
    }),
  );
  const half = { initialMs: 1_000, factor: 1, maxMs: 5_000, jitter: 0.5 };
  expect([0, 0.5, 1 - Number.EPSILON].map((draw) => backoffMs(half, 1, draw))).toEqual([500, 1_000, 1_500]);
});

test('the default grows from a second to ten minutes', () => {
  const { backoff: standard } = policySchema.parse({});
  expect([1, 2, 10, 11, 25].map((n) => backoffMs(standard, n, 0.5))).toEqual([
    1_000, 2_000, 512_000, 600_000, 600_000,
  ]);
});
