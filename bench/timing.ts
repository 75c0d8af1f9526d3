/** Does what is measured once, and gives how long that took, in ms. */
export type Subject = () => Promise<number>;

/** A subject that takes as long as this work. */
export function timed(work: () => Promise<unknown>): Subject {
  return async () => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  };
}

/** Durations in ms, of so many times. */
export type Durations = { times: number; median: number; p99: number };

/** Before anything counts: connections, plans, caches and compiled code are there then. */
const WARM_UP = { rounds: 20, ms: 1_000 };
/** So long at most, but at least so many rounds: what is slow needs fewer to be told from what is fast. */
export const LIMIT = { ms: 5_000, leastRounds: 10 };

/**
 * Runs the subjects by turns, A B A B …, so that whatever else the machine does at a time falls on all of them, and
 * gives the durations of each. Fewer rounds than `repetitions` when they take longer than `limitMs`. Throws what a subject throws.
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

/** What so many durations in ms come to. */
export function toDurations(all: readonly number[]): Durations {
  return { times: all.length, median: quantile(all, 0.5), p99: quantile(all, 0.99) };
}

/** The nearest rank: the smallest of the values that so many of them do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
