/** How much a new duration counts in the average; what is older counts less and less. */
const WEIGHT = 0.1;

/** How long attempts of each task name take on this runner. */
export type Pace = {
  /** Notes how long an attempt took, in milliseconds. */
  note(name: string, durationMs: number): void;
  /** The moving average, in milliseconds; undefined while none has ended. */
  of(name: string): number | undefined;
};

/** Keeps an exponential moving average by name. It is called for each attempt, and has nothing to be closed. */
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
