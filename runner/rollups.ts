import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { isTimeout } from '../store/pool.ts';
import { rollUp } from '../store/rollups.ts';

/** What finishes in so long is summed up well within the time of a statement. */
const STEP_SECS = 60;

/**
 * Sums up what has finished, step after step until it is caught up or `stop` is aborted. After hours away it rests as
 * long as it works, so that it can't starve the queue. A step that runs out of time is tried again as a smaller one.
 */
export async function sumUpFinished(pool: Pool, stop: AbortSignal): Promise<void> {
  let step = STEP_SECS;
  while (!stop.aborted) {
    const begun = performance.now();
    try {
      if (!(await rollUp(pool, step))) break;
    } catch (error) {
      if (!isTimeout(error) || step < 1) throw error;
      step /= 4;
    }
    await pause(performance.now() - begun, undefined, { signal: stop }).catch(() => {});
  }
}
