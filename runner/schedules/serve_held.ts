import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { cancelTasks } from '../../store/operators/cancel.ts';
import { readSuperseded, releaseHeld } from '../../store/schedules/held.ts';

/**
 * Submits held times whose earlier run has ended, and cancels runs that a held time is to replace (specification
 * K6). If it dies between the two, the next tick of any runner goes on: a run that was asked to end is not asked
 * again.
 */
export async function serveHeld(pool: Pool, log: Logger): Promise<void> {
  const released = await releaseHeld(pool);
  if (released.length > 0)
    log.debug({ schedules: released }, 'submitted times that waited for the end of a run');
  const bySchedule = Map.groupBy(await readSuperseded(pool), ({ scheduleId }) => scheduleId);
  for (const [scheduleId, runs] of bySchedule) {
    const act = {
      actor: `schedule:${scheduleId}`,
      reason: 'A newer time of the schedule replaces it (overlap: cancel_running)',
      requestId: null,
    };
    await cancelTasks(
      pool,
      runs.map(({ taskId }) => taskId),
      act,
      null,
    );
  }
}
