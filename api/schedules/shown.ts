import { inZone } from '../../core/schedules/local_time.ts';
import type { Timing } from '../../core/schedules/settings.ts';
import { timesAfter } from '../../core/schedules/times.ts';
import { timingInWords } from '../../core/schedules/words.ts';
import { namespaceOf } from '../../core/task.ts';
import type { ScheduleAtNow, StoredSchedule } from '../../store/schedules/read.ts';

/** How many of its next times a schedule shows. */
export const SHOWN_TIMES = 10;

/** A moment on the wire: in UTC, and in the zone of its schedule. */
export type ShownTime = { at: string; local: string };

type Hidden = 'due_at' | 'paused_at' | 'paused_by' | 'pause_reason' | 'broken' | 'broken_at';

/** A schedule in the form of the API. */
type Summary = Omit<StoredSchedule, Hidden> & {
  namespace: string;
  in_words: string;
  paused: { at: string; actor: string | null; reason: string | null } | null;
  broken: { at: string | null; message: string } | null;
};

/** A schedule as lists show it: without its payload. */
export function toSummary({ settings, ...stored }: StoredSchedule): Record<string, unknown> {
  const { payload: _payload, ...shown } = settings;
  return { ...summaryOf({ settings, ...stored }), settings: shown };
}

/** A schedule with its next times. They are computed here, which costs a millisecond. */
export function toSchedule({
  now,
  schedule,
}: ScheduleAtNow & { schedule: StoredSchedule }): Summary & { next_times: ShownTime[] } {
  return { ...summaryOf(schedule), next_times: nextTimes(schedule, now) };
}

function summaryOf(stored: StoredSchedule): Summary {
  const { due_at: _due, paused_at, paused_by, pause_reason, broken, broken_at, ...schedule } = stored;
  return {
    ...schedule,
    namespace: namespaceOf(schedule.id),
    in_words: inWords(schedule.settings),
    next_at: schedule.state === 'active' ? schedule.next_at : null,
    paused: paused_at === null ? null : { at: paused_at, actor: paused_by, reason: pause_reason },
    broken: broken === null ? null : { at: broken_at, message: broken },
  };
}

/** The next times of an active schedule begin with the one that is due, if it has not been handled. */
function nextTimes({ state, settings, next_at }: StoredSchedule, now: Date): ShownTime[] {
  const due = state === 'active' && next_at !== null && new Date(next_at) <= now ? [new Date(next_at)] : [];
  return shownTimes(settings, [...due, ...computed(() => timesAfter(settings, now, SHOWN_TIMES), [])]).slice(
    0,
    SHOWN_TIMES,
  );
}

/** Times in the zone of a timing. */
export function shownTimes({ timezone }: Timing, times: readonly Date[]): ShownTime[] {
  return times.map((at) => ({ at: at.toISOString(), local: localOf(at, timezone) }));
}

/** A time in a zone, with the offset; in UTC if the zone is not known here. */
export function localOf(at: Date, timezone: string): string {
  return computed(() => inZone(at, timezone), at.toISOString());
}

function inWords(settings: Timing): string {
  const otherwise = settings.cron ?? 'its timing cannot be read';
  const isRead = [settings.cron, settings.every_seconds, settings.at].some((rule) => rule !== null);
  return isRead ? computed(() => timingInWords(settings), otherwise) : otherwise;
}

/**
 * A value that is computed from a timing. The stored timing of a broken schedule may be one that cannot be
 * computed any more, for example in a zone that this process does not know: it is shown all the same.
 */
function computed<T>(compute: () => T, otherwise: T): T {
  try {
    return compute();
  } catch {
    return otherwise;
  }
}
