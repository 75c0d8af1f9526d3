import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { planFiring } from '../../core/schedules/plan.ts';
import { messageOf } from '../../process/start.ts';
import { markBroken } from '../../store/schedules/broken.ts';
import type { DueSchedule } from '../../store/schedules/due.ts';
import type { PlannedFiring } from '../../store/schedules/fire.ts';

/** Computing times takes up to a millisecond per schedule, and the attempts of this runner need the event loop. */
const TURN_MS = 5;

/** The plans for due schedules, and how many of these were found to be broken. */
export type Planned = { firings: PlannedFiring[]; broken: number };

/**
 * Plans due schedules. One whose times cannot be computed, for example in a time zone that this Node no longer
 * has, is marked as broken, so that it does not stop the others. Throws if Postgres is away.
 */
export async function planDue(pool: Pool, due: readonly DueSchedule[], log: Logger): Promise<Planned> {
  const planned: Planned = { firings: [], broken: 0 };
  let turnBegan = performance.now();
  for (const schedule of due) {
    try {
      planned.firings.push(plan(schedule));
    } catch (error) {
      const why = `its times cannot be computed: ${messageOf(error)}`;
      if (await giveUp(pool, schedule, why, log)) planned.broken++;
    }
    if (performance.now() - turnBegan < TURN_MS) continue;
    await nextTurn();
    turnBegan = performance.now();
  }
  return planned;
}

function plan({ settings, ...schedule }: DueSchedule): PlannedFiring {
  if (settings === null) throw new Error('another version of Errand has stored its settings');
  const { id, revision, task, priority, nextAt, lastAt, now } = schedule;
  return {
    id,
    revision,
    task,
    priority,
    plannedFor: nextAt,
    ...planFiring({ id, settings, nextAt, lastAt, now }),
  };
}

/** Marks a schedule that can never be handled as broken. Gives whether it was as planned. */
export async function giveUp(
  pool: Pool,
  schedule: { id: string; revision: number },
  why: string,
  log: Logger,
): Promise<boolean> {
  const isMarked = await markBroken(pool, schedule, why);
  if (isMarked)
    log.error({ schedule: schedule.id, reason: why }, 'a schedule is broken: it no longer submits tasks');
  return isMarked;
}
