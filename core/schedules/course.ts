import { isComputable } from './computable.ts';
import { COUNT_LIMIT, type FiringPlan, firstTime, type Skipped } from './plan.ts';
import type { ScheduleSettings, Timing } from './settings.ts';
import { countTimes, dueAt, latestTimes, nextTime } from './times.ts';

/** Where a schedule stands: its settings, what was handled, and whether it is paused. */
export type Standing = {
  id: string;
  settings: ScheduleSettings;
  lastAt: Date | null;
  nextAt: Date | null;
  isPaused: boolean;
};

/** How a schedule goes on. `skipped` are times that a pause leaves out. */
export type Course = Pick<FiringPlan, 'nextAt' | 'dueAt'> & { skipped: Skipped | null };

const TIMING = [
  'cron',
  'every_seconds',
  'at',
  'timezone',
  'jitter_seconds',
  'starts_at',
  'ends_at',
] as const satisfies (keyof Timing)[];

/** Whether both have the same times. */
export function isSameTiming(one: Timing, other: Timing): boolean {
  return TIMING.every((key) => one[key] === other[key]);
}

/**
 * How a schedule goes on with other settings. With the same timing nothing about its times changes. With another
 * one it goes on with the first time after now; but if a time of the former timing is due and nobody has handled
 * it, with the first one from there on. So a change at the moment of a time neither loses nor doubles it. A pause
 * goes on: what the former timing had in it until now is skipped. A broken schedule is mended, and its missed times
 * are caught up with.
 */
export function courseOfChange(standing: Standing, settings: ScheduleSettings, now: Date): Course {
  const { id, nextAt, lastAt, isPaused } = standing;
  if (isSameTiming(standing.settings, settings)) {
    return { nextAt, dueAt: nextAt === null || isPaused ? null : dueAt(id, settings, nextAt), skipped: null };
  }
  const overdue = nextAt !== null && nextAt <= now && !isPaused ? nextAt : null;
  const next = firstTime({ id, settings, now, lastAt, overdue });
  if (!isPaused) return { ...next, skipped: null };
  return { nextAt: next.nextAt, dueAt: null, skipped: timesOfPause(standing, now) };
}

/**
 * How a schedule goes on after its pause: with the first time after now. The times of the pause, and those that
 * were due and not handled when it began, are skipped.
 */
export function courseOfResume(standing: Standing, now: Date): Course {
  const { id, settings, lastAt, nextAt } = standing;
  // A runner then finds out why, and says so in the schedule.
  if (!isComputable(settings)) return { nextAt, dueAt: nextAt, skipped: null };
  return {
    ...firstTime({ id, settings, now, lastAt, overdue: null }),
    skipped: timesOfPause(standing, now),
  };
}

/** The times up to now that nobody has handled; null if there are none. */
function timesOfPause({ settings, nextAt }: Standing, now: Date): Skipped | null {
  if (nextAt === null || nextAt > now || !isComputable(settings)) return null;
  const after = new Date(nextAt.getTime() - 1);
  const [until] = latestTimes(settings, { after, until: now }, 1);
  if (until === undefined) return null;
  const from = nextTime(settings, after) ?? until;
  return { from, until, count: countTimes(settings, { after, until }, COUNT_LIMIT) };
}
