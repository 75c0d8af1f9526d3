import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Handler } from '../core/task.ts';
import { countChanged, findMatching } from '../store/bulk.ts';
import { cancelTasks } from '../store/cancel.ts';
import { retryTasks } from '../store/retry.ts';
import type { bulk } from '../tasks/errand.bulk.task.ts';

/** Tasks per statement: so few that none waits long for the locks of it. */
const BATCH = 500;

/**
 * Does a large bulk operation, step by step. The crash at each line: a step is one statement with its audit rows, so
 * the next attempt counts these, and begins again with what still matches. What has changed meanwhile no longer does.
 */
export function bulkHandler(pool: Pool): Handler<typeof bulk> {
  return async (payload, context) => {
    const { action, filter, limit, actor, reason, request_id: requestId } = payload;
    const change = action === 'retry' ? retryTasks : cancelTasks;
    const act = { actor, reason: reason ?? null, requestId: requestId ?? null, bulk: context.id };
    const expected = Math.max(1, Math.min(payload.matched, limit));
    const started = performance.now();
    const before = await countChanged(pool, context.id);
    let changed = before;
    let after: string | null = null;
    while (changed < limit) {
      context.signal.throwIfAborted();
      const size = Math.min(BATCH, limit - changed, payload.per_second ?? BATCH);
      const ids: string[] = await findMatching(pool, filter, { after, size }, context.id);
      const last = ids.at(-1);
      if (last === undefined) break;
      changed += (await change(pool, ids, act, null)).length;
      after = last;
      context.progress(changed / expected, `${changed} of about ${expected}`);
      await keepPace(payload.per_second, changed - before, started, context.signal);
    }
    return { changed };
  };
}

/** Waits until no more than `perSecond` have been done in each second since `started`. */
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
