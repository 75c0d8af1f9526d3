import type { Logger } from 'pino';
import { gather } from '../core/gather.ts';
import type { Outcome, Recorded } from '../store/outcomes.ts';
import { toErrorRecord } from './classify.ts';
import { untilBack } from './until_back.ts';

const MAX_OUTCOMES = 1_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;

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
 * holds is bounded by the rings in hand, which are not done before their outcomes are recorded.
 */
export function createRecorder(write: (outcomes: Outcome[]) => Promise<Recorded>, log: Logger): Record {
  async function writeAll(outcomes: Outcome[]): Promise<boolean[]> {
    const recorded = await writeOrRefuse(outcomes);
    if (recorded.fenced) throw new LeaseLost('the outcome was not recorded: this runner is no longer live');
    return outcomes.map((outcome) => recorded.ids.has(outcome.id));
  }

  async function writeOrRefuse(outcomes: Outcome[]): Promise<Recorded> {
    try {
      return await writeUntilBack(outcomes);
    } catch (error) {
      const [only] = outcomes;
      if (outcomes.length > 1 || only === undefined || only.kind !== 'succeeded') throw error;
      log.error(
        { err: error, task_id: only.id },
        'Postgres refused an outcome: the attempt counts as failed',
      );
      return writeUntilBack([refused(only, error)]);
    }
  }

  function writeUntilBack(outcomes: Outcome[]): Promise<Recorded> {
    return untilBack(log, `recording ${outcomes.length} outcomes`, () => write(outcomes));
  }

  return gather(writeAll, {
    maxItems: MAX_OUTCOMES,
    // What Postgres refuses must not keep its neighbours from being recorded.
    isolate: (error) => !(error instanceof LeaseLost),
    maxWeight: MAX_CHARACTERS,
    weightOf: (outcome) => (outcome.kind === 'succeeded' ? sizeOf(outcome.result) : 1),
  });
}

function refused(outcome: Outcome, error: unknown): Outcome {
  const { id, name, priority, attempt, durationMs } = outcome;
  const record = { ...toErrorRecord(error), retryable: false };
  const bare = { id, name, priority, attempt, durationMs, lines: [], progress: null };
  return { ...bare, kind: 'failed', error: record, retryInMs: null };
}

/** Roughly: it need not be exact, and must be cheap for the many small ones. */
function sizeOf(result: unknown): number {
  return result === null ? 4 : JSON.stringify(result).length;
}
