import { GRACE_SECONDS, type ScheduleSettings } from './settings.ts';
import { countTimes, dueAt, latestTimes, nextTime } from './times.ts';

/** More skipped times than this are not counted. */
export const COUNT_LIMIT = 1_000;

/** Clocks of zones move by less than this, other than over the date line. */
const MOVED_MS = 3 * 3_600_000;

/** Skipped times: the first, the last, and how many there are; null if there are more than COUNT_LIMIT. */
export type Skipped = { from: Date; until: Date; count: number | null };

export type FiringPlan = {
  /** The times to submit a task for, ascending. */
  times: Date[];
  skipped: Skipped | null;
  /** The watermark: all times up to it are handled. */
  lastAt: Date;
  nextAt: Date | null;
  dueAt: Date | null;
};

type Firing = { id: string; settings: ScheduleSettings; nextAt: Date; lastAt: Date | null; now: Date };

/**
 * What to do at `now` with the times of a schedule that nobody has handled: all from `nextAt` on that are due
 * (specification K5). Each is either in `times` or in `skipped`. If none is due, both are empty. Then there
 * is nothing to write unless `nextAt` has moved, which happens if the rules of the zone have changed since it
 * was computed.
 */
export function planFiring({ id, settings, nextAt, lastAt, now }: Firing): FiringPlan {
  const start = startOf(settings, nextAt, lastAt);
  const range = { after: justBefore(start), until: now };
  const most = settings.catch_up === 'all' ? settings.catch_up_max : 1;
  const newest = dueTimes(id, settings, latestTimes(settings, range, most + 1), now).slice(-most);
  const handled = newest.at(-1);
  if (handled === undefined) {
    const next = nextTime(settings, range.after);
    return {
      times: [],
      skipped: null,
      lastAt: lastAt ?? justBefore(nextAt),
      ...whenNext(id, settings, next),
    };
  }
  const times = recentTimes(id, settings, newest, now);
  const last =
    times[0] === undefined ? handled : latestTimes(settings, { ...range, until: justBefore(times[0]) }, 1)[0];
  return {
    times,
    skipped: last === undefined ? null : skippedUntil(settings, range.after, last),
    lastAt: handled,
    ...whenNext(id, settings, nextTime(settings, handled)),
  };
}

/**
 * The first time of a schedule that is stored, changed, mended or resumed: after `now` and after all that was
 * handled (`lastAt`). `overdue` is the next time of its former timing if that is due and nobody has handled
 * it: then it is the first time from there on, so that a change at that moment loses nothing.
 */
export function firstTime(schedule: {
  id: string;
  settings: ScheduleSettings;
  now: Date;
  lastAt: Date | null;
  overdue: Date | null;
}): Pick<FiringPlan, 'nextAt' | 'dueAt'> {
  const { id, settings, now, lastAt, overdue } = schedule;
  const after = overdue === null ? now : justBefore(overdue);
  return whenNext(id, settings, nextTime(settings, lastAt !== null && lastAt > after ? lastAt : after));
}

/**
 * The first time that was not handled. This is `nextAt`, if it still is one of the times. Otherwise the rules
 * of the zone have changed, and the time may have moved to before it.
 */
function startOf(settings: ScheduleSettings, nextAt: Date, lastAt: Date | null): Date {
  const first = nextTime(settings, justBefore(nextAt));
  if (first?.getTime() === nextAt.getTime()) return nextAt;
  const after = new Date(Math.max(nextAt.getTime() - MOVED_MS, lastAt?.getTime() ?? 0));
  return latestTimes(settings, { after, until: nextAt }, 1)[0] ?? nextAt;
}

/**
 * Without the newest one if its jitter is not over. Each time is due before the next one comes, so the others
 * are due.
 */
function dueTimes(id: string, settings: ScheduleSettings, times: Date[], now: Date): Date[] {
  const newest = times.at(-1);
  return newest !== undefined && dueAt(id, settings, newest) > now ? times.slice(0, -1) : times;
}

/** The times that are recent enough to be caught up with. The moment when they were due counts. */
function recentTimes(id: string, settings: ScheduleSettings, times: Date[], now: Date): Date[] {
  const seconds = settings.catch_up === 'skip' ? GRACE_SECONDS : settings.catch_up_window_seconds;
  const oldest = new Date(now.getTime() - seconds * 1_000);
  const recent = times.filter((time) => time >= oldest);
  const before = times[times.length - recent.length - 1];
  return before !== undefined && dueAt(id, settings, before) >= oldest ? [before, ...recent] : recent;
}

function skippedUntil(settings: ScheduleSettings, after: Date, until: Date): Skipped {
  const from = nextTime(settings, after) ?? until;
  return { from, until, count: countTimes(settings, { after, until }, COUNT_LIMIT) };
}

function whenNext(
  id: string,
  settings: ScheduleSettings,
  nextAt: Date | null,
): Pick<FiringPlan, 'nextAt' | 'dueAt'> {
  return { nextAt, dueAt: nextAt === null ? null : dueAt(id, settings, nextAt) };
}

function justBefore(time: Date): Date {
  return new Date(time.getTime() - 1);
}
