/** An attempt that is shorter than this is not requeued: it ends before requeueing pays off, … */
export const SHORT_MS = 10;
/** … unless it waits for longer than this. */
export const LONG_WAIT_MS = 1_000;

/** The weight of a new duration in the average; older durations count less and less. */
const WEIGHT = 0.1;

/** How long attempts of each task name take on this runner. */
export type Pace = {
  /** Notes how long an attempt took, in milliseconds. */
  note(name: string, durationMs: number): void;
  /** The moving average in milliseconds; undefined before the first attempt has ended. */
  of(name: string): number | undefined;
};

/** Keeps an exponential moving average per name. */
export function createPace(): Pace {
  const averages = new Map<string, { ms: number }>();
  return {
    note(name, durationMs) {
      const average = averages.get(name);
      if (average === undefined) averages.set(name, { ms: durationMs });
      else average.ms += WEIGHT * (durationMs - average.ms);
    },
    of: (name) => averages.get(name)?.ms,
  };
}
