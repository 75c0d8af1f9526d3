const WINDOW_SECS = 60;

/** How often something has happened lately. */
export type Rate = {
  add(count: number): void;
  /** Per second over the last minute, or since it was made when that is less. */
  perSecond(): number;
};

/** Counts in buckets of a second, so that it costs the same however much happens. `clock` gives milliseconds. */
export function createRate(clock: () => number = () => performance.now()): Rate {
  const buckets = new Array<number>(WINDOW_SECS).fill(0);
  const begun = clock();
  let current = Math.floor(begun / 1_000);

  /** Empties the buckets of the seconds that have begun since the last call; gives the index of the present one. */
  function advance(second: number): number {
    for (let at = Math.max(current + 1, second - WINDOW_SECS + 1); at <= second; at++) {
      buckets[at % WINDOW_SECS] = 0;
    }
    current = second;
    return second % WINDOW_SECS;
  }

  return {
    add(count) {
      const index = advance(Math.floor(clock() / 1_000));
      buckets[index] = (buckets[index] ?? 0) + count;
    },
    perSecond() {
      const seconds = clock() / 1_000;
      advance(Math.floor(seconds));
      // The window is the present second so far and the full ones before it.
      const covered = Math.min(seconds - begun / 1_000, WINDOW_SECS - 1 + (seconds % 1));
      const sum = buckets.reduce((total, count) => total + count, 0);
      return sum / Math.max(1, covered);
    },
  };
}
