import { type FiringPlan, firstTime } from './plan.ts';
import { type ScheduleSettings, settingsSchema, type Timing } from './settings.ts';
import { dueAt } from './times.ts';

/** The stored parts of a schedule that decide what a change does to its times. */
export type StoredTimes = {
  /** As stored: another version of Errand may have written it. */
  settings: unknown;
  lastAt: Date | null;
  nextAt: Date | null;
};

/**
 * The next time of a schedule that gets these settings at `now`; `stored` is null for a new one. With the same
 * timing it stays where it was. With another one it is the first time after now and after all that was handled. If
 * the former next time is due and nobody has handled it, it is the first new time from there on: a change at that
 * moment loses nothing and doubles nothing. A schedule that is paused or broken is not due, whatever `dueAt` is.
 */
export function timesAfterChange(change: {
  id: string;
  settings: ScheduleSettings;
  now: Date;
  stored: StoredTimes | null;
}): Pick<FiringPlan, 'nextAt' | 'dueAt'> {
  const { id, settings, now, stored } = change;
  if (stored === null) return firstTime({ id, settings, now, lastAt: null, overdue: null });
  const { nextAt, lastAt } = stored;
  if (hasTimingOf(settings, stored.settings))
    return { nextAt, dueAt: nextAt === null ? null : dueAt(id, settings, nextAt) };
  return firstTime({ id, settings, now, lastAt, overdue: nextAt !== null && nextAt <= now ? nextAt : null });
}

const TIMING = [
  'cron',
  'every_seconds',
  'at',
  'timezone',
  'jitter_seconds',
  'starts_at',
  'ends_at',
] as const satisfies readonly (keyof Timing)[];

function hasTimingOf(settings: Timing, stored: unknown): boolean {
  const parsed = settingsSchema.safeParse(stored);
  return parsed.success && TIMING.every((part) => parsed.data[part] === settings[part]);
}
