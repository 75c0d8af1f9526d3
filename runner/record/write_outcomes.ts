import type { Logger } from 'pino';
import type { Outcome, Recorded } from '../../store/attempts/outcomes.ts';
import { isTimeout } from '../../store/database/pool.ts';
import { toErrorRecord } from './classify.ts';
import { isPassing, untilBack } from './retry_until_available.ts';

/**
 * The ledger says that this runner is no longer live. Its work was taken over, so it must leave.
 */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/**
 * Writes outcomes until the ledger has them or had already decided their attempts. Throws
 * LeaseLost.
 */
export type WriteOutcomes = {
  /**
   * Writes all in one statement. Throws an error about one of them, and a timeout of the statement.
   */
  together(outcomes: Outcome[]): Promise<void>;
  /**
   * Writes one outcome that could not be written with others. If Postgres refuses a success, it is
   * recorded as a failure. If Postgres refuses another outcome, only how the attempt ended is
   * recorded.
   */
  alone(outcome: Outcome): Promise<void>;
};

/** Writes with `write`, which is repeated while Postgres is away (specification X7). */
export function writeOutcomes(write: (outcomes: Outcome[]) => Promise<Recorded>, log: Logger): WriteOutcomes {
  async function writeUntil(outcomes: Outcome[], isWorthIt?: (error: unknown) => boolean): Promise<void> {
    const what = `recording ${outcomes.length} outcomes`;
    const { fenced, ids } = await untilBack(log, what, () => write(outcomes), isWorthIt);
    if (fenced) throw new LeaseLost('the outcome was not recorded: this runner is no longer live');
    for (const { id, name, attempt } of outcomes) {
      if (ids.has(id)) continue;
      const of = { task_id: id, task_name: name, attempt };
      log.warn(of, 'the outcome did not count: the attempt had already been decided');
    }
  }

  return {
    together: (outcomes) => writeUntil(outcomes, (error) => isPassing(error) && !isTimeout(error)),
    async alone(outcome) {
      try {
        await writeUntil([outcome]);
      } catch (error) {
        if (error instanceof LeaseLost) throw error;
        const of = { err: error, task_id: outcome.id, outcome: outcome.kind };
        log.error(of, 'Postgres refused an outcome: recording it without its data');
        await writeUntil([refused(outcome, error)]);
      }
    },
  };
}

function refused(outcome: Outcome, error: unknown): Outcome {
  const { id, dispatchId, parentId, hasChildren, name, priority, attempt, durationMs } = outcome;
  const of = { id, dispatchId, parentId, hasChildren, name, priority, attempt, durationMs };
  const bare = { ...of, lines: [], progress: null };
  const record = toErrorRecord(error);
  if (outcome.kind === 'succeeded' || outcome.kind === 'continued') {
    return { ...bare, kind: 'failed', error: { ...record, retryable: false }, retryInMs: null };
  }
  const plain = { ...record, retryable: outcome.error.retryable };
  return outcome.kind === 'failed' || outcome.kind === 'timed_out'
    ? { ...bare, kind: outcome.kind, error: plain, retryInMs: outcome.retryInMs }
    : { ...bare, kind: outcome.kind, error: plain };
}
