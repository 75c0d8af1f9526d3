import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { isTimeout } from '../store/pool.ts';
import { deleteExpired } from '../store/retention.ts';

/** A delete of so many holds no lock that anybody waits for, and leaves autovacuum time. */
const BATCH = 500;

/**
 * Deletes the tasks whose retention is over, batch after batch until none is left or `stop` is aborted, and gives
 * how many. It rests as long as it works, so that it can't starve the queue. A batch that runs out of time (each
 * task may have thousands of log lines) is tried again as a smaller one.
 */
export async function expireTasks(pool: Pool, defaultHours: number, stop: AbortSignal): Promise<number> {
  let deleted = 0;
  let size = BATCH;
  while (!stop.aborted) {
    const begun = performance.now();
    try {
      const count = await deleteExpired(pool, defaultHours, size);
      deleted += count;
      if (count < size) break;
    } catch (error) {
      if (!isTimeout(error) || size === 1) throw error;
      size = Math.ceil(size / 4);
    }
    await pause(performance.now() - begun, undefined, { signal: stop }).catch(() => {});
  }
  return deleted;
}
