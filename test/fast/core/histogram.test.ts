import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addTo,
  bucketBounds,
  durationsIn,
  type Histogram,
  LAST_BUCKET,
  NO_DURATION,
  percentile,
} from '../../../core/histogram.ts';

/** From nothing to months, as often short as long. */
const duration = fc.oneof(
  fc.constant(0),
  fc.double({ min: -3, max: 10, noNaN: true }).map((exponent) => 10 ** exponent),
  fc.integer({ min: 0, max: 66 }).map((halves) => 2 ** (halves / 2)),
);

function bucketOf(ms: number): number {
  for (let bucket = 0; bucket < LAST_BUCKET; bucket++) if (ms < bucketBounds(bucket).to) return bucket;
  return LAST_BUCKET;
}

function histogramOf(durations: number[]): Histogram {
  const histogram: Histogram = new Map();
  for (const ms of durations) addTo(histogram, new Map([[bucketOf(ms), 1]]));
  return histogram;
}

test('the buckets follow one another without a gap, from nothing to months', () => {
  expect(bucketBounds(0)).toEqual({ from: 0, to: 1 });
  for (let bucket = 1; bucket <= LAST_BUCKET; bucket++) {
    expect(bucketBounds(bucket).from).toBe(bucketBounds(bucket - 1).to);
  }
  expect(bucketBounds(LAST_BUCKET).from).toBeGreaterThan(90 * 24 * 3_600_000);
});

test('a percentile is in the bucket of the exact one: neither is more than √2 times the other', () => {
  fc.assert(
    fc.property(
      fc.array(duration, { minLength: 1, maxLength: 200 }),
      fc.constantFrom(0.01, 0.5, 0.95, 0.99, 1),
      (durations, share) => {
        const sorted = durations.toSorted((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
        const estimate = percentile(histogramOf(durations), share) ?? Number.NaN;
        expect(bucketOf(estimate)).toBe(bucketOf(exact));
      },
    ),
  );
});

test('percentiles grow with the share, and spread evenly within a bucket', () => {
  const histogram: Histogram = new Map([
    [0, 4],
    [3, 4],
  ]);
  expect([0.125, 0.25, 0.5].map((share) => percentile(histogram, share))).toEqual([0.125, 0.375, 0.875]);
  expect(percentile(histogram, 1)).toBeCloseTo(2 + (2 ** 1.5 - 2) * 0.875);
  expect(percentile(new Map([[1, 1]]), 0.99)).toBeCloseTo((1 + Math.SQRT2) / 2);
});

test('what had no duration is in no percentile, and without any there is none', () => {
  expect(percentile(new Map(), 0.5)).toBeNull();
  expect(percentile(new Map([[NO_DURATION, 9]]), 0.5)).toBeNull();
  expect(durationsIn(new Map([[NO_DURATION, 9]]))).toBe(0);
  const histogram: Histogram = new Map([
    [NO_DURATION, 1_000],
    [0, 1],
  ]);
  expect(percentile(histogram, 0.5)).toBe(0.5);
  expect(durationsIn(histogram)).toBe(1);
});

test('histograms add up', () => {
  const histogram: Histogram = new Map([[1, 2]]);
  addTo(
    histogram,
    new Map([
      [1, 3],
      [4, 5],
    ]),
  );
  expect([...histogram]).toEqual([
    [1, 5],
    [4, 5],
  ]);
  expect(durationsIn(histogram)).toBe(10);
});
