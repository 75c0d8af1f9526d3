/** What is timed. */
export type Subject = () => Promise<unknown>;

/** Durations in ms. */
export type Durations = { median: number; p99: number };

/** Before anything counts: connections, plans, caches and compiled code are there then. */
const WARM_UPS = 20;

/**
 * Runs the subjects by turns, A B A B …, so that whatever else the machine does at a time falls on all of them, and
 * gives the durations of each. Throws what a subject throws.
 */
export async function timeByTurns(subjects: readonly Subject[], repetitions: number): Promise<Durations[]> {
  const times = subjects.map((): number[] => []);
  for (let round = -Math.min(WARM_UPS, repetitions); round < repetitions; round++) {
    for (const [index, subject] of subjects.entries()) {
      const began = performance.now();
      await subject();
      if (round >= 0) times[index]?.push(performance.now() - began);
    }
  }
  return times.map((all) => ({ median: quantile(all, 0.5), p99: quantile(all, 0.99) }));
}

/** The nearest rank: the smallest of the values that so many of them do not exceed. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
