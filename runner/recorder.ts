import type { Logger } from 'pino';
import { gather } from '../core/gather.ts';
import type { Outcome, Recorded } from '../store/outcomes.ts';
import { isTimeout } from '../store/pool.ts';
import { isPlainSuccess } from '../store/successes.ts';
import { toErrorRecord } from './classify.ts';
import { isPassing, untilBack } from './until_back.ts';

const MAX_OUTCOMES = 1_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** Outcomes that could not be written with others, at a time. */
const APART = 4;

/**
 * Records an outcome and gives whether the ledger took it, or somebody else had decided about the attempt before.
 * Throws LeaseLost when the runner is no longer live.
 */
export type Record = (outcome: Outcome) => Promise<boolean>;

/** The ledger says that this runner is no longer live: its work was taken over, and it must leave. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/**
 * Buffers outcomes and writes them in one statement as soon as the last write is back: small batches when idle,
 * big ones under load. While Postgres is away it keeps trying and drops nothing (specification X7); what it
 * holds is bounded by the rings in hand, which are not done before their outcomes are recorded. A batch that runs out
 * of time (somebody has locked one of its tasks, perhaps) is taken apart, and the next ones need not wait for it.
 */
export function createRecorder(write: (outcomes: Outcome[]) => Promise<Recorded>, log: Logger): Record {
  async function writeAll(outcomes: Outcome[]): Promise<boolean[]> {
    return taken(outcomes, await writeUntil(outcomes, (error) => isPassing(error) && !isTimeout(error)));
  }

  async function writeAlone(outcomes: Outcome[]): Promise<boolean[]> {
    return taken(outcomes, await writeOrRefuse(outcomes));
  }

  async function writeOrRefuse(outcomes: Outcome[]): Promise<Recorded> {
    try {
      return await writeUntil(outcomes);
    } catch (error) {
      const [only] = outcomes;
      if (only === undefined || (only.kind !== 'succeeded' && only.kind !== 'continued')) throw error;
      log.error(
        { err: error, task_id: only.id },
        'Postgres refused an outcome: the attempt counts as failed',
      );
      return writeUntil([refused(only, error)]);
    }
  }

  function writeUntil(outcomes: Outcome[], isWorthIt?: (error: unknown) => boolean): Promise<Recorded> {
    return untilBack(log, `recording ${outcomes.length} outcomes`, () => write(outcomes), isWorthIt);
  }

  const lane = (parallel: number): Record =>
    gather(writeAll, { maxItems: MAX_OUTCOMES, maxWeight: MAX_CHARACTERS, weightOf: sizeOf, parallel });
  // Apart, so that the many that are plain have a statement to themselves. These touch nothing but their own tasks, so
  // one statement need not wait for the commit of another: an eighth to a quarter more of them per second.
  const [plain, others] = [lane(2), lane(1)];
  const apart = gather(writeAlone, { maxItems: 1, parallel: APART });
  return async (outcome) => {
    try {
      return await (isPlainSuccess(outcome) ? plain : others)(outcome);
    } catch (error) {
      if (error instanceof LeaseLost) throw error;
      return apart(outcome);
    }
  };
}

function taken(outcomes: Outcome[], recorded: Recorded): boolean[] {
  if (recorded.fenced) throw new LeaseLost('the outcome was not recorded: this runner is no longer live');
  return outcomes.map((outcome) => recorded.ids.has(outcome.id));
}

function refused(outcome: Outcome, error: unknown): Outcome {
  const { id, ranFor, parentId, hasChildren, name, priority, attempt, durationMs } = outcome;
  const record = { ...toErrorRecord(error), retryable: false };
  const of = { id, ranFor, parentId, hasChildren, name, priority, attempt, durationMs };
  const bare = { ...of, lines: [], progress: null };
  return { ...bare, kind: 'failed', error: record, retryInMs: null };
}

/** Roughly: it need not be exact, and must be cheap for the many small ones. */
function sizeOf(outcome: Outcome): number {
  if (outcome.kind === 'continued')
    return 'children' in outcome ? JSON.stringify(outcome.children).length : 1;
  if (outcome.kind !== 'succeeded') return 1;
  const { result, followUps = [] } = outcome;
  return (result?.length ?? 4) + (followUps.length && JSON.stringify(followUps).length);
}
