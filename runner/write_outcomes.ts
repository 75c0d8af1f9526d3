import type { Logger } from 'pino';
import type { Outcome, Recorded } from '../store/outcomes.ts';
import { isTimeout } from '../store/pool.ts';
import { toErrorRecord } from './classify.ts';
import { isPassing, untilBack } from './until_back.ts';

/** The ledger says that this runner is no longer live: its work was taken over, and it must leave. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** Writes outcomes until the ledger has them, or has decided about their attempts before. Throws LeaseLost. */
export type WriteOutcomes = {
  /** In one statement. Throws what is wrong with one of them, and when the statement ran out of time. */
  together(outcomes: Outcome[]): Promise<void>;
  /** One that could not be written with others. A success that Postgres refuses counts as a failure. */
  alone(outcome: Outcome): Promise<void>;
};

/** Writes by `write`, again and again while Postgres is away (specification X7). */
export function writeOutcomes(write: (outcomes: Outcome[]) => Promise<Recorded>, log: Logger): WriteOutcomes {
  async function writeUntil(outcomes: Outcome[], isWorthIt?: (error: unknown) => boolean): Promise<void> {
    const what = `recording ${outcomes.length} outcomes`;
    const { fenced, ids } = await untilBack(log, what, () => write(outcomes), isWorthIt);
    if (fenced) throw new LeaseLost('the outcome was not recorded: this runner is no longer live');
    for (const { id, name, attempt } of outcomes) {
      if (ids.has(id)) continue;
      const of = { task_id: id, task_name: name, attempt };
      log.warn(of, 'the outcome did not count: the attempt was decided about before');
    }
  }

  return {
    together: (outcomes) => writeUntil(outcomes, (error) => isPassing(error) && !isTimeout(error)),
    async alone(outcome) {
      try {
        await writeUntil([outcome]);
      } catch (error) {
        const isRefusable = outcome.kind === 'succeeded' || outcome.kind === 'continued';
        if (!isRefusable || error instanceof LeaseLost) throw error;
        const of = { err: error, task_id: outcome.id };
        log.error(of, 'Postgres refused an outcome: the attempt counts as failed');
        await writeUntil([refused(outcome, error)]);
      }
    },
  };
}

function refused(outcome: Outcome, error: unknown): Outcome {
  const { id, ranFor, parentId, hasChildren, name, priority, attempt, durationMs } = outcome;
  const record = { ...toErrorRecord(error), retryable: false };
  const of = { id, ranFor, parentId, hasChildren, name, priority, attempt, durationMs };
  const bare = { ...of, lines: [], progress: null };
  return { ...bare, kind: 'failed', error: record, retryInMs: null };
}
