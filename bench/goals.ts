import { median, type Rounds, ratios } from './rounds.ts';

/**
 * A goal: Errand's figure divided by a peer's, or the figure itself if there is no peer. If `goal`
 * is null, the figures are only shown.
 */
export type Goal = {
  what: string;
  /** The unit of both figures: `tasks/s`, `ms`, `CPU s per 1,000`. */
  unit: string;
  ours: Rounds;
  peer: { name: string; rounds: Rounds } | null;
  goal: { atLeast: number } | { atMost: number } | null;
};

/**
 * A goal with its measured figures. `ratio` is the median of the ratios of the rounds, `spread` the
 * smallest and the largest.
 */
export type Judged = {
  ours: number;
  theirs: number | null;
  ratio: number | null;
  spread: readonly [number, number];
  /** Null if there is no goal. */
  isReached: boolean | null;
};

/** Compares the measured figures with the goal. */
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
