import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import type { Outcome, Recorded } from '../../store/attempts/outcomes.ts';
import { isPlainSuccess } from '../../store/attempts/successes.ts';
import { LeaseLost, writeOutcomes } from './write_outcomes.ts';

/** The bounds of one statement. */
const MAX_OUTCOMES = 1_000;
const MAX_CHARACTERS = 16_000_000;
/** How many outcomes are written alone at a time, after they could not be written with others. */
const APART = 4;
/** The least number of outcomes that are written beside a running statement. */
const WORTH_A_STATEMENT = 20;

/** Records the outcomes of one dispatch. */
export type DispatchRecord = {
  /**
   * Adds an outcome. Resolves when it is recorded, or when the attempt had already been decided.
   */
  add(outcome: Outcome): Promise<void>;
  /**
   * Resolves when all added outcomes are recorded. Throws LeaseLost if the runner is no longer
   * live.
   */
  written(): Promise<void>;
};

export type Recorder = {
  open(): DispatchRecord;
  /** How many outcomes are not recorded yet. */
  buffered(): number;
};

/**
 * Outcomes of one dispatch that are written together. The dispatch adds to it until it is taken. A
 * promise for each outcome, with everything that it keeps, cost more than executing the attempt
 * (issue 7).
 */
type Bundle = { outcomes: Outcome[]; weight: number; isTaken: boolean };

/**
 * Plain successes, which nearly all outcomes are, have their own statement, which is faster; those of steps and
 * children, which unblock what comes after them, another one.
 */
type Lane = 'plain' | 'steps' | 'others';

function laneOf(outcome: Outcome): Lane {
  if (!isPlainSuccess(outcome)) return 'others';
  return outcome.parentId === null ? 'plain' : 'steps';
}

/**
 * Buffers outcomes and writes them in one statement as soon as the last write has returned: small
 * batches when idle, large ones under load. While Postgres is away it keeps trying and drops
 * nothing (specification X7). The buffer is bounded by the dispatches in hand, which are not done
 * before their outcomes are recorded. If a batch times out (a task of it may be locked, for
 * example), its outcomes are written one by one, and the next batches need not wait for it.
 */
export function createRecorder(write: (outcomes: Outcome[]) => Promise<Recorded>, log: Logger): Recorder {
  let buffered = 0;
  const writing = writeOutcomes(write, log);

  async function writeTogether(bundles: Bundle[]): Promise<unknown[]> {
    for (const bundle of bundles) bundle.isTaken = true;
    await writing.together(bundles.flatMap(({ outcomes }) => outcomes));
    return bundles;
  }

  const lane = (parallel: number): ((bundle: Bundle) => Promise<unknown>) =>
    batcher(writeTogether, {
      ...{ maxItems: MAX_OUTCOMES, maxWeight: MAX_CHARACTERS, parallel },
      weightOf: ({ weight }) => weight,
      isWorthOne: (waiting) =>
        waiting.reduce((sum, { outcomes }) => sum + outcomes.length, 0) >= WORTH_A_STATEMENT,
    });
  // Plain successes change only their own tasks, so one statement need not wait for the commit of
  // another. That records an eighth to a quarter more of them per second. A few of them wait, because a statement
  // for one or two costs nearly as much as one for ten (issue 21).
  const lanes = { plain: lane(2), steps: lane(2), others: lane(1) };
  const apart = batcher((outcomes: Outcome[]) => Promise.all(outcomes.map(writing.alone)), {
    ...{ maxItems: 1, parallel: APART },
  });

  async function record(bundle: Bundle, by: Lane): Promise<void> {
    try {
      await lanes[by](bundle);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      await Promise.all(bundle.outcomes.map(apart));
    } finally {
      buffered -= bundle.outcomes.length;
    }
  }

  return {
    open: () =>
      openRecord(record, () => {
        buffered++;
      }),
    buffered: () => buffered,
  };
}

/** A bundle that its dispatch may still add to. */
type Open = { bundle: Bundle; written: Promise<void> };

function hasRoom({ bundle }: Open, weight: number): boolean {
  return !bundle.isTaken && bundle.weight + weight <= MAX_CHARACTERS;
}

function openRecord(
  record: (bundle: Bundle, by: Lane) => Promise<void>,
  onAdded: () => void,
): DispatchRecord {
  const open: { [lane in Lane]?: Open } = {};
  const all: Promise<void>[] = [];

  function start(lane: Lane): Open {
    const bundle = { outcomes: [], weight: 0, isTaken: false };
    const written = record(bundle, lane);
    // Awaited when the dispatch is done. Until then Node would treat a failure as an unhandled
    // rejection.
    written.catch(() => {});
    all.push(written);
    return { bundle, written };
  }

  return {
    add(outcome) {
      const weight = weightOf(outcome);
      const lane = laneOf(outcome);
      let current = open[lane];
      if (current === undefined || !hasRoom(current, weight)) {
        current = start(lane);
        open[lane] = current;
      }
      current.bundle.outcomes.push(outcome);
      current.bundle.weight += weight;
      onAdded();
      return current.written;
    },
    async written() {
      await Promise.all(all);
    },
  };
}

/**
 * The size in characters, roughly: it must be cheap for the many small outcomes. The minimum lets
 * MAX_OUTCOMES into a statement.
 */
function weightOf(outcome: Outcome): number {
  return Math.max(MAX_CHARACTERS / MAX_OUTCOMES, sizeOf(outcome));
}

function sizeOf(outcome: Outcome): number {
  if (outcome.kind === 'continued')
    return 'children' in outcome ? JSON.stringify(outcome.children).length : 0;
  if (outcome.kind !== 'succeeded') return 0;
  const { result, followUps = [] } = outcome;
  return (result?.length ?? 0) + (followUps.length && JSON.stringify(followUps).length);
}
