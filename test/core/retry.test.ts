import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Backoff, policySchema } from '../../core/policy.ts';
import { backoffMs } from '../../core/retry.ts';

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
