import type { Logger } from 'pino';
import { gather } from '../core/gather.ts';
import type { Outcome, Recorded } from '../store/outcomes.ts';
import { isPlainSuccess } from '../store/successes.ts';
import { LeaseLost, writeOutcomes } from './write_outcomes.ts';

/** Of one statement. */
const MAX_OUTCOMES = 1_000;
const MAX_CHARACTERS = 16_000_000;
/** Outcomes that could not be written with others, at a time. */
const APART = 4;

/** Where the outcomes of one ring go. */
export type RingRecord = {
  /** Hands an outcome over. Resolves when it is recorded, or somebody else had decided about the attempt before. */
  add(outcome: Outcome): Promise<void>;
  /** Resolves when all are that were handed over. Throws LeaseLost when the runner is no longer live. */
  written(): Promise<void>;
};

export type Recorder = {
  open(): RingRecord;
  /** Outcomes that are not recorded yet. */
  buffered(): number;
};

/**
 * Outcomes of one ring that go together, and that it adds to until they are taken. A promise for each outcome, with all
 * that hangs on it, cost more than executing it (issue 7).
 */
type Bundle = { outcomes: Outcome[]; weight: number; isTaken: boolean };

/** What nearly all outcomes are has a statement to itself, which is quicker. */
type Lane = 'plain' | 'others';

/**
 * Buffers outcomes and writes them in one statement as soon as the last write is back: small batches when idle,
 * big ones under load. While Postgres is away it keeps trying and drops nothing (specification X7); what it
 * holds is bounded by the rings in hand, which are not done before their outcomes are recorded. A batch that runs out
 * of time (somebody has locked one of its tasks, perhaps) is taken apart, and the next ones need not wait for it.
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
    gather(writeTogether, {
      ...{ maxItems: MAX_OUTCOMES, maxWeight: MAX_CHARACTERS, parallel },
      weightOf: ({ weight }) => weight,
    });
  // Plain ones touch nothing but their own tasks, so one statement need not wait for the commit of another: an eighth to
  // a quarter more of them per second.
  const lanes = { plain: lane(2), others: lane(1) };
  const apart = gather((outcomes: Outcome[]) => Promise.all(outcomes.map(writing.alone)), {
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

/** A bundle that its ring may still add to. */
type Open = { bundle: Bundle; written: Promise<void> };

function hasRoom({ bundle }: Open, weight: number): boolean {
  return !bundle.isTaken && bundle.weight + weight <= MAX_CHARACTERS;
}

function openRecord(record: (bundle: Bundle, by: Lane) => Promise<void>, onAdded: () => void): RingRecord {
  const open: { [lane in Lane]?: Open } = {};
  const all: Promise<void>[] = [];

  function start(lane: Lane): Open {
    const bundle = { outcomes: [], weight: 0, isTaken: false };
    const written = record(bundle, lane);
    // Looked at when the ring is through: until then Node would take a failure for one that nobody handles.
    written.catch(() => {});
    all.push(written);
    return { bundle, written };
  }

  return {
    add(outcome) {
      const weight = weightOf(outcome);
      const lane = isPlainSuccess(outcome) ? 'plain' : 'others';
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

/** In characters, roughly: it must be cheap for the many small ones. The least is what leaves MAX_OUTCOMES to a statement. */
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
