/** What was measured in each round, in the order of the rounds. */
export type Rounds = readonly number[];

/**
 * Measures each subject once per round, A B C A B C …, so that whatever else the machine does falls on all of them.
 * Gives the results of each. `tell` hears of each measurement before it begins.
 */
export async function inRounds<Measured>(
  subjects: readonly { name: string; measure: () => Promise<Measured> }[],
  rounds: number,
  tell: (line: string) => void,
): Promise<Measured[][]> {
  const results = subjects.map((): Measured[] => []);
  for (let round = 1; round <= rounds; round++) {
    for (const [index, { name, measure }] of subjects.entries()) {
      tell(`${name}, round ${round} of ${rounds}`);
      results[index]?.push(await measure());
    }
  }
  return results;
}

/** The middle one, or the mean of the two in the middle. NaN of nothing. */
export function median(values: Rounds): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}

/** Ours divided by the peer's, round by round: the two of a round had the machine in the same state. */
export function ratios(ours: Rounds, theirs: Rounds): Rounds {
  return ours.slice(0, theirs.length).map((value, round) => value / (theirs[round] ?? Number.NaN));
}
