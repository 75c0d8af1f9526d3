import type { Goal } from '../goals.ts';
import { median, type Rounds, ratios } from '../rounds.ts';
import type { PeerLimits } from './peers.ts';

/** The goals of issue 19. Rates are beside those without a limit, delays are in ms. */
const GOALS = {
  unlimited: { atLeast: 0.97 },
  hundred: { atLeast: 0.7 },
  keyed: { atLeast: 0.5 },
  handOver: { atMost: 5 },
  behind: { atMost: 100 },
} satisfies Record<string, Goal['goal']>;

/** All figures of limits, round by round. */
export type LimitsData = {
  rates: { free: number[]; hundred: number[]; keyed: number[] };
  gaps: { short: number[]; slow: number[] };
  waits: number[];
  /** Tasks per second without a limit, of this build and of the one before limits. */
  builds: { ours: number[]; theirs: number[] };
  peers: PeerLimits[];
};

type Named = { keys: number; backlog: number; baseline: string };

/** The goals of issue 19, and then the same figures beside those of other queues. */
export function goalsOf(options: Named, data: LimitsData): Goal[] {
  return [...ownGoals(options, data), ...data.peers.flatMap((peer) => besidePeer(options, data, peer))];
}

function ownGoals({ keys, backlog, baseline }: Named, { rates, gaps, waits, builds }: LimitsData): Goal[] {
  const rate = (what: string, ours: Rounds, goal: Goal['goal']): Goal => ({
    ...{ what, unit: 'tasks/s', ours, goal },
    peer: { name: 'Errand without a limit', rounds: rates.free },
  });
  const delay = (what: string, ours: Rounds, goal: Goal['goal']): Goal => ({
    ...{ what, unit: 'ms', ours, peer: null, goal },
  });
  return [
    {
      ...{ what: 'execution without a limit', unit: 'tasks/s', goal: GOALS.unlimited },
      ...{ ours: builds.ours, peer: { name: baseline, rounds: builds.theirs } },
    },
    rate('execution with a limit of 100', rates.hundred, GOALS.hundred),
    rate(`execution with ${keys.toLocaleString('en')} keys of a limit of 1`, rates.keyed, GOALS.keyed),
    delay('hand-over of a limit of 1, median', [median(gaps.short)], GOALS.handOver),
    delay('hand-over of a limit of 1 through the ledger, median', [median(gaps.slow)], GOALS.handOver),
    delay(`start behind ${backlog.toLocaleString('en')} tasks of another key`, waits, GOALS.behind),
  ];
}

/** The part of its rate that each queue keeps under limits, and how long they leave a slot empty. */
function besidePeer({ keys }: Named, { rates, gaps }: LimitsData, peer: PeerLimits): Goal[] {
  const part = (what: string, ours: Rounds, theirs: Rounds | null): Goal[] =>
    theirs === null
      ? []
      : [
          {
            ...{ what: `rate ${what} / rate without a limit`, unit: '×', goal: null },
            ours: ratios(ours, rates.free),
            peer: { name: peer.name, rounds: ratios(theirs, peer.free) },
          },
        ];
  return [
    ...part('with a limit of 100', rates.hundred, peer.limited),
    ...part(`with ${keys.toLocaleString('en')} keys of a limit of 1`, rates.keyed, peer.keyed),
    {
      ...{ what: 'hand-over of a limit of 1, median', unit: 'ms', goal: null },
      ours: [median(gaps.short)],
      peer: { name: peer.name, rounds: [median(peer.handOver)] },
    },
  ];
}
