import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { EXPIRED_AT_A_TIME, type ExpiredTask, endExpired } from '../../store/attempts/expire.ts';
import {
  dispatchLost,
  dropStaleDispatches,
  FIRST_ID,
  type Look,
  pullBackDispatches,
} from '../../store/attempts/reconcile.ts';
import { deleteExpired, type RetentionHours } from '../../store/attempts/retention.ts';
import { isTimeout } from '../../store/database/pool.ts';
import { FIRST_KEY, freeSlotsOfEnded, repairLimits } from '../../store/limits/repair.ts';
import { sumUpErrors } from '../../store/operators/errors.ts';
import { deleteOldRuns } from '../../store/schedules/runs.ts';
import { rollUp } from '../../store/stats/rollups.ts';

/** Tasks that finished in this period can be summed up well within a statement timeout. */
const SUMMED_UP_SECS = 60;

/**
 * Adds finished tasks to the rollups, step by step, until everything is added or `stop` is aborted.
 * After an outage of hours it rests as long as it works, so that it cannot starve the queue. If a
 * step times out, it is tried again with a shorter period.
 */
export async function sumUpFinished(pool: Pool, stop: AbortSignal): Promise<void> {
  let step = SUMMED_UP_SECS;
  while (!stop.aborted) {
    const startedAt = performance.now();
    try {
      if (!(await rollUp(pool, step))) break;
    } catch (error) {
      if (!isTimeout(error) || step < 1) throw error;
      step /= 4;
    }
    await pause(performance.now() - startedAt, undefined, { signal: stop }).catch(() => {});
  }
}

/** Adds up the counts of groups of errors, until everything is added or `stop` is aborted. It rests as long as it works. */
export async function sumUpAllErrors(pool: Pool, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const startedAt = performance.now();
    if ((await sumUpErrors(pool)) === 0) return;
    await pause(performance.now() - startedAt, undefined, { signal: stop }).catch(() => {});
  }
}

/** A delete of this size holds no lock for long and leaves autovacuum time. */
const EXPIRED_BATCH = 500;

/**
 * Deletes the tasks whose retention is over, batch by batch, until none is left or `stop` is
 * aborted. Gives how many. It rests as long as it works, so that it cannot starve the queue. If a
 * batch times out (each task may have thousands of log lines), it is tried again with a smaller
 * one.
 */
export async function expireTasks(pool: Pool, hours: RetentionHours, stop: AbortSignal): Promise<number> {
  let deleted = 0;
  let size = EXPIRED_BATCH;
  while (!stop.aborted) {
    const startedAt = performance.now();
    try {
      const count = await deleteExpired(pool, hours, size);
      deleted += count;
      if (count < size) break;
    } catch (error) {
      if (!isTimeout(error) || size === 1) throw error;
      size = Math.ceil(size / 4);
    }
    await pause(performance.now() - startedAt, undefined, { signal: stop }).catch(() => {});
  }
  return deleted;
}

/**
 * Ends the tasks that have not started in time, until none is left or `stop` is aborted. `report` gets those of
 * each statement.
 */
export async function endAllExpired(
  pool: Pool,
  stop: AbortSignal,
  report: (ended: readonly ExpiredTask[]) => void,
): Promise<void> {
  let ended: ExpiredTask[];
  do {
    ended = await endExpired(pool);
    if (ended.length > 0) report(ended);
  } while (ended.length === EXPIRED_AT_A_TIME && !stop.aborted);
}

/** Rows of this history are small. */
const RUNS_BATCH = 5_000;

/**
 * Deletes the history of schedules that is older than `days`, batch by batch, until none is left or `stop` is
 * aborted. It rests as long as it works.
 */
export async function expireRuns(pool: Pool, days: number, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const startedAt = performance.now();
    if ((await deleteOldRuns(pool, days, RUNS_BATCH)) < RUNS_BATCH) return;
    await pause(performance.now() - startedAt, undefined, { signal: stop }).catch(() => {});
  }
}

/**
 * Makes the round that compares dispatches with the ledger. A round reads the next slice of the
 * open tasks until it finds nothing to repair there or `stop` is aborted. After the last slice it
 * starts again with the first one; if all open tasks fit into one slice, each round reads all of
 * them. The position is known only to this runner: if another runner does the same work, it is only
 * done later. Tests set a smaller `slice`.
 */
export function createReconciler(
  pool: Pool,
  log: Logger,
  slice?: number,
): (stop: AbortSignal) => Promise<void> {
  let after = FIRST_ID;
  return async (stop) => {
    let dispatched = 0;
    let look: Look;
    do {
      look = await dispatchLost(pool, after, slice);
      dispatched += look.dispatched;
    } while (!look.isClean && !stop.aborted);
    if (look.isClean) after = look.next ?? FIRST_ID;
    const pulled = await pullBackDispatches(pool);
    const dropped = await dropStaleDispatches(pool);
    if (dispatched + pulled + dropped > 0)
      log.warn({ dispatched, pulled, dropped }, 'reconciled dispatches with the ledger');
  };
}

/**
 * Makes the round that calls tasks that wait for slots though there is room. A round looks at a
 * thousand keys, and the next one continues after them.
 */
export function createLimitsRepairer(pool: Pool): () => Promise<void> {
  let after = FIRST_KEY;
  return async () => {
    await freeSlotsOfEnded(pool);
    after = (await repairLimits(pool, after)) ?? FIRST_KEY;
  };
}
