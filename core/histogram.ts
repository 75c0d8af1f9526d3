/** How many durations fell into each bucket, by its number. */
export type Histogram = Map<number, number>;

/** The bucket of what had no such duration: it is in no percentile. */
export const NO_DURATION = -1;

/** In Postgres, `errand.duration_bucket` gives the bucket of a duration; this is its last. */
export const LAST_BUCKET = 70;

/**
 * The bounds of a bucket in ms, from inclusive to exclusive. Bucket 0 ends at 1 ms, each after it at √2 times its start;
 * the last one holds all that is longer, too.
 */
export function bucketBounds(bucket: number): { from: number; to: number } {
  return { from: bucket === 0 ? 0 : 2 ** ((bucket - 1) / 2), to: 2 ** (bucket / 2) };
}

/** How many durations a histogram holds. */
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
 * An estimate in ms of the duration that a `share` (more than 0, up to 1) of all do not exceed, by nearest rank; null
 * when there are none. It is in the bucket of the exact one, so neither is more than √2 times the other, but
 * below 1 ms, and beyond the start of the last bucket.
 */
export function percentile(histogram: Histogram, share: number): number | null {
  const buckets = [...histogram].filter(([bucket]) => bucket !== NO_DURATION).sort(([a], [b]) => a - b);
  const rank = Math.max(1, Math.ceil(share * durationsIn(histogram)));
  let before = 0;
  for (const [bucket, count] of buckets) {
    if (before + count >= rank) {
      const { from, to } = bucketBounds(bucket);
      // As if those in the bucket were spread evenly.
      return from + ((to - from) * (rank - before - 0.5)) / count;
    }
    before += count;
  }
  return null;
}
