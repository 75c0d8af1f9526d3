/** The number of durations in each bucket, by bucket number. */
export type Histogram = Map<number, number>;

/** The bucket for tasks without such a duration. Percentiles ignore it. */
export const NO_DURATION = -1;

/** The last bucket. In Postgres, `errand.duration_bucket` gives the bucket of a duration. */
export const LAST_BUCKET = 70;

/**
 * The bounds of a bucket in ms: from (inclusive) to (exclusive). Bucket 0 ends at 1 ms. Each later one ends
 * at √2 times its start. The last one also contains all longer durations.
 */
export function bucketBounds(bucket: number): { from: number; to: number } {
  return { from: bucket === 0 ? 0 : 2 ** ((bucket - 1) / 2), to: 2 ** (bucket / 2) };
}

/** The number of durations in a histogram. */
export function durationsIn(histogram: Histogram): number {
  let sum = 0;
  for (const [bucket, count] of histogram) if (bucket !== NO_DURATION) sum += count;
  return sum;
}

/** Adds the counts of `more` to `histogram`. */
export function addTo(histogram: Histogram, more: Histogram): void {
  for (const [bucket, count] of more) histogram.set(bucket, (histogram.get(bucket) ?? 0) + count);
}

/**
 * An estimate in ms of the duration that a `share` (more than 0, up to 1) of all durations do not exceed, by
 * nearest rank; null if there are none. It is in the same bucket as the exact value, so the two differ by a
 * factor of at most √2. This does not hold below 1 ms and in the last bucket.
 */
export function percentile(histogram: Histogram, share: number): number | null {
  const buckets = [...histogram].filter(([bucket]) => bucket !== NO_DURATION).sort(([a], [b]) => a - b);
  const rank = Math.max(1, Math.ceil(share * durationsIn(histogram)));
  let before = 0;
  for (const [bucket, count] of buckets) {
    if (before + count >= rank) {
      const { from, to } = bucketBounds(bucket);
      // Assumes that the durations are spread evenly within the bucket.
      return from + ((to - from) * (rank - before - 0.5)) / count;
    }
    before += count;
  }
  return null;
}
