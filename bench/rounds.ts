/** The figures of the rounds, in order. */
export type Rounds = readonly number[];

/**
 * Measures each subject once per round, A B C A B C …, so that all of them share whatever else the
 * machine does. Gives the results of each. `log` gets a line before each measurement.
 */
export async function inRounds<Measured>(
  subjects: readonly { name: string; measure: () => Promise<Measured> }[],
  rounds: number,
  log: (line: string) => void,
): Promise<Measured[][]> {
  const results = subjects.map((): Measured[] => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [index, { name, measure }] of subjects.entries()) {
      log(`${name}, round ${round} of ${rounds}`);
      results[index]?.push(await measure());
    }
  }
  return results;
}

/** The middle value, or the mean of the two in the middle. NaN for an empty list. */
export function median(values: Rounds): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Cuts figures into `count` parts of equal size, as far as possible, in their order. */
export function parts(figures: Rounds, count: number): Rounds[] {
  const size = Math.ceil(figures.length / count);
  return Array.from({ length: Math.ceil(figures.length / size) }, (_, part) =>
    figures.slice(part * size, (part + 1) * size),
  );
}

/**
 * Our figures divided by the peer's, round by round: both of a round saw the machine in the same
 * state.
 */
export function ratios(ours: Rounds, theirs: Rounds): Rounds {
  return ours.slice(0, theirs.length).map((value, round) => value / (theirs[round] ?? Number.NaN));
}
