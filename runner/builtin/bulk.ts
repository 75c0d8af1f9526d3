import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { PermanentError } from '../../core/errors.ts';
import type { Handler, TaskContext } from '../../core/task.ts';
import { type CanaryStanding, countChanged, findMatching, readCanary } from '../../store/operators/bulk.ts';
import { cancelTasks } from '../../store/operators/cancel.ts';
import { retryTasks } from '../../store/operators/retry.ts';
import type { bulk } from '../../tasks/errand.bulk.task.ts';
import { type Continuation, putOff } from '../execute/continuation.ts';
import { steadily } from '../record/retry_until_available.ts';

/** Tasks per statement: few, so that no other statement waits long for its locks. */
const BATCH = 500;

type BulkHandler = (
  ...given: Parameters<Handler<typeof bulk>>
) => Promise<{ changed: number } | Continuation>;

/**
 * Does a large bulk operation step by step. A step is one statement that also writes its audit
 * rows. After a crash the next attempt counts these rows and continues with the tasks that still
 * match; changed tasks no longer match. The same holds if an answer of Postgres was lost. The
 * canary is the set of tasks that were changed first, in whichever attempt.
 */
export function bulkHandler(pool: Pool): BulkHandler {
  return async (payload, context) => {
    const { action, filter, limit, actor, reason, request_id: requestId } = payload;
    const change = action === 'retry' ? retryTasks : cancelTasks;
    const act = { actor, reason: reason ?? null, requestId: requestId ?? null, bulk: context.id };
    const expected = Math.max(1, Math.min(payload.matched, limit));
    const started = performance.now();
    const count = () => countChanged(pool, context.id);
    const before = await steadily(context, 'counting the changed tasks', count);
    let changed = before;
    let isUncertain = false;
    let after: string | null = null;
    const canary = Math.min(payload.canary ?? 0, limit);
    const readFirst = () =>
      steadily(context, 'reading the canary', () => readCanary(pool, context.id, canary));

    /** Changes the next tasks in their order. Gives the id of the last task that was looked at, null at the end. */
    async function step(): Promise<string | null> {
      // The answer to the last try may have been lost.
      if (isUncertain) changed = await count();
      const most = changed < canary ? canary - changed : (payload.per_second ?? BATCH);
      const size = Math.min(BATCH, limit - changed, most);
      if (size <= 0) return null;
      const { ids, next } = await findMatching(pool, filter, { after, size }, context.id);
      isUncertain = true;
      if (ids.length > 0) changed += (await change(pool, ids, act, null)).length;
      isUncertain = false;
      return next;
    }

    while (changed < limit) {
      context.signal.throwIfAborted();
      const waiting = canary > 0 && changed >= canary ? await awaitCanary(readFirst, canary, context) : null;
      if (waiting !== null) return waiting;
      const last = await steadily(context, 'changing tasks', step);
      if (last === null) break;
      after = last;
      context.progress(changed / expected, `${changed} of about ${expected}`);
      await keepPace(payload.per_second, changed - before, started, context.signal);
    }
    return { changed };
  };
}

/** Waits so that at most `perSecond` tasks per second are changed since `started`. */
async function keepPace(
  perSecond: number | undefined,
  done: number,
  started: number,
  signal: AbortSignal,
): Promise<void> {
  if (perSecond === undefined) return;
  const dueMs = (done / perSecond) * 1_000;
  const aheadMs = dueMs - (performance.now() - started);
  if (aheadMs > 0) await pause(aheadMs, undefined, { signal });
}

/** How long the canary may take. */
const MAX_WAIT_MS = 3_600_000;
/** Usually the canary ends at once. */
const MAX_WAIT_IN_SLOT_MS = 2_000;
const LOOK_EVERY_MS = 500;
/**
 * How long the bulk operation frees its slot, which the canary may need: the delay doubles each
 * time, up to the maximum.
 */
const FIRST_REST_MS = 1_000;
const MAX_REST_MS = 60_000;

/**
 * Waits until the tasks of the canary, which a bulk retry retried first, have ended. Gives null
 * then. After MAX_WAIT_IN_SLOT_MS it gives a continuation that puts the operation off, since it may
 * hold the only slot that the canary could use. Throws PermanentError, which says what to do, if
 * one of them failed again with the same error, or if they take too long. It reads only the audit
 * trail and the tasks, so another attempt finds the same.
 */
export async function awaitCanary(
  read: () => Promise<CanaryStanding>,
  size: number,
  { attempt, signal }: Pick<TaskContext, 'attempt' | 'signal'>,
): Promise<Continuation | null> {
  const startedAt = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const { again, open, waitedMs } = await read();
    if (again.length > 0) throw stopped(`${again.length} of ${size} failed again as before (${again[0]})`);
    if (open === 0) return null;
    if (waitedMs > MAX_WAIT_MS) {
      throw stopped(`${open} of ${size} did not end within ${MAX_WAIT_MS / 60_000} minutes`);
    }
    if (performance.now() - startedAt > MAX_WAIT_IN_SLOT_MS) {
      const restMs = Math.min(MAX_REST_MS, FIRST_REST_MS * 2 ** (attempt - 1));
      return putOff(`Waits for ${open} of the ${size} tasks that were retried first`, restMs);
    }
    await pause(LOOK_EVERY_MS, undefined, { signal });
  }
}

function stopped(why: string): PermanentError {
  const message = `Of the tasks that were retried first, ${why}: no others were retried. Remove the cause and ask again, or ask with "canary": 0`;
  return new PermanentError(message, { code: 'CANARY_FAILED' });
}
