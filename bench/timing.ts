/** Does the measured work once, and gives its duration in ms. */
export type Subject = () => Promise<number>;

/** A subject that measures this work. */
export function timed(work: () => Promise<unknown>): Subject {
  return async () => {
    const startedAt = performance.now();
    await work();
    return performance.now() - startedAt;
  };
}

/** Durations in ms, and how often they were measured. */
export type Durations = { times: number; median: number; p99: number };

/** Runs before the measurement, to warm up connections, plans, caches and compiled code. */
const WARM_UP = { rounds: 20, ms: 1_000 };
/**
 * The time limit, and the minimum number of rounds: slow subjects need fewer to be distinguished
 * from fast ones.
 */
export const LIMIT = { ms: 5_000, leastRounds: 10 };

/**
 * Runs the subjects in turns, A B A B …, so that all of them share whatever else the machine does.
 * Gives the durations of each. If the rounds take longer than `limitMs`, there are fewer than
 * `repetitions`. Throws what a subject throws.
 */
export async function timeByTurns(
  subjects: readonly Subject[],
  repetitions: number,
  limitMs = LIMIT.ms,
): Promise<Durations[]> {
  const warm = performance.now() + WARM_UP.ms;
  const rounds = Math.min(WARM_UP.rounds, repetitions);
  for (let round = 0; round < rounds && (round === 0 || performance.now() < warm); round++) {
    for (const subject of subjects) await subject();
  }
  const times = subjects.map((): number[] => []);
  const enough = performance.now() + limitMs;
  for (let round = 0; round < repetitions; round++) {
    if (round >= LIMIT.leastRounds && performance.now() > enough) break;
    for (const [index, subject] of subjects.entries()) {
      times[index]?.push(await subject());
    }
  }
  return times.map(toDurations);
}

/** The statistics of durations in ms. */
export function toDurations(all: readonly number[]): Durations {
  return { times: all.length, median: quantile(all, 0.5), p99: quantile(all, 0.99) };
}

/**
 * The quantile by the nearest rank: the smallest value that at least this share of the values does
 * not exceed.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
