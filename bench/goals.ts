import { median, type Rounds, ratios } from './rounds.ts';

/**
 * What is to be reached: Errand's figure divided by a peer's, or, without a peer, the figure itself. Or neither is
 * asked, and the two are only shown beside each other.
 */
export type Goal = {
  what: string;
  /** Of both figures: `tasks/s`, `ms`, `CPU s per 1,000`. */
  unit: string;
  ours: Rounds;
  peer: { name: string; rounds: Rounds } | null;
  goal: { atLeast: number } | { atMost: number } | null;
};

/** A goal beside what was measured. `ratio` is the median of the rounds' ratios, `spread` the smallest and the largest. */
export type Judged = {
  ours: number;
  theirs: number | null;
  ratio: number | null;
  spread: readonly [number, number];
  /** Null when nothing is asked. */
  isReached: boolean | null;
};

/** Holds what was measured against what is to be reached. */
export function judge({ ours, peer, goal }: Goal): Judged {
  const compared = peer === null ? ours : ratios(ours, peer.rounds);
  const figure = median(compared);
  return {
    ours: median(ours),
    theirs: peer === null ? null : median(peer.rounds),
    ratio: peer === null ? null : figure,
    spread: [Math.min(...compared), Math.max(...compared)],
    isReached: goal === null ? null : 'atLeast' in goal ? figure >= goal.atLeast : figure <= goal.atMost,
  };
}
