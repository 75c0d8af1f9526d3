import { type Detail, ErrandError } from '../../core/errors.ts';
import { detail, got } from '../../core/json/json.ts';
import type { Timing } from '../../core/schedules/settings.ts';
import { timesAfter } from '../../core/schedules/times.ts';
import { readRecorded } from '../../store/schedules/backfill.ts';
import { readSchedule, type StoredSchedule } from '../../store/schedules/read.ts';
import { takeTurns } from '../capacity/turns.ts';
import type { RequestContext } from '../context.ts';
import { requireWhole, scheduleNotFound } from './schedule.ts';

/** Times of one backfill. */
export const MAX_TIMES = 1_000;
/** Of all payloads that one backfill writes: several times the largest request. */
const MAX_BYTES = 50_000_000;
/** Times that are computed in one turn: about ten milliseconds. */
const TIMES_PER_TURN = 50;

/** A valid request. */
export type Asked = {
  id: string;
  from: Date;
  to: Date;
  isDryRun: boolean;
  repeat: boolean;
  reason?: string | undefined;
};

export type Outcome = 'submitted' | 'existing' | 'pending';

/** The times of a range by their outcome. `due` are those to submit. */
export type Plan = {
  schedule: StoredSchedule;
  times: { at: Date; outcome: Outcome; taskId: string | null }[];
  due: Date[];
};

/**
 * Reads the schedule and what is known of the times of the range. Throws NOT_FOUND, CONFLICT for a broken schedule,
 * and VALIDATION_FAILED for a range that cannot be submitted.
 */
export async function planBackfill(context: RequestContext, asked: Asked): Promise<Plan> {
  const { now, schedule } = await readSchedule(context.writes, asked.id);
  if (schedule === null) throw scheduleNotFound(asked.id);
  requireWhole(schedule);
  if (asked.to > now)
    throw invalidBackfill([
      detail('/body/to', `must not be after now (${now.toISOString()})${got(asked.to)}`),
    ]);
  const found = await timesOf(context, schedule.settings, asked);
  const { tasks, payloadBytes } = await readRecorded(context.writes, asked.id, found);
  const times = found.map((at): Plan['times'][number] => {
    const ran = tasks.has(at.getTime());
    const outcome = ran ? 'existing' : isPending(schedule, at) ? 'pending' : 'submitted';
    return { at, outcome, taskId: tasks.get(at.getTime()) ?? null };
  });
  const due = times.filter(({ outcome }) => outcome === 'submitted').map(({ at }) => at);
  requireKnown(context, asked, { schedule, now, due });
  requireSize(due.length, payloadBytes);
  return { schedule, times, due };
}

/** The times of the range, computed in turns. Throws VALIDATION_FAILED if there are too many. */
async function timesOf(context: RequestContext, timing: Timing, { from, to }: Asked): Promise<Date[]> {
  const turns = takeTurns(() => context.throwIfOver());
  const found: Date[] = [];
  for (let after = new Date(from.getTime() - 1); ; after = found.at(-1) ?? to) {
    const next = timesAfter(timing, after, TIMES_PER_TURN).filter((at) => at <= to);
    found.push(...next);
    if (found.length > MAX_TIMES) break;
    if (next.length < TIMES_PER_TURN) return found;
    await turns();
  }
  const last = found[MAX_TIMES - 1]?.toISOString();
  throw invalidBackfill([
    detail('/body/to', `the range has more than ${MAX_TIMES} times: send at most ${last}${got(to)}`),
  ]);
}

/** Whether the schedule itself handles a time: it is due and no runner has come to it yet, or it waits. */
function isPending({ state, next_at, held_for }: StoredSchedule, at: Date): boolean {
  if (held_for !== null && Date.parse(held_for) === at.getTime()) return true;
  return state === 'active' && next_at !== null && at >= new Date(next_at);
}

/** Times after the schedule was made and before its recorded history may have run. */
function requireKnown(
  context: RequestContext,
  { repeat }: Asked,
  { schedule, now, due }: { schedule: StoredSchedule; now: Date; due: Date[] },
): void {
  const since = new Date(now.getTime() - context.scheduleHistoryDays * 86_400_000);
  const unknown = due.filter((at) => at < since && at > new Date(schedule.created_at));
  if (unknown.length === 0 || repeat) return;
  throw invalidBackfill([
    detail(
      '/body/repeat',
      `must be true: it is no longer known which of ${unknown.length} times before ${since.toISOString()} have run (SCHEDULE_HISTORY_DAYS is ${context.scheduleHistoryDays})${got(repeat)}`,
    ),
  ]);
}

function requireSize(times: number, payloadBytes: number): void {
  if (times * payloadBytes <= MAX_BYTES) return;
  throw invalidBackfill([
    detail(
      '/body/to',
      `the tasks of ${times} times would have ${times * payloadBytes} bytes of payloads, and one backfill may write ${MAX_BYTES}: send ${Math.floor(MAX_BYTES / payloadBytes)} times at once`,
    ),
  ]);
}

/** The error for a backfill with problems. */
export function invalidBackfill(details: Detail[]): ErrandError {
  return new ErrandError('VALIDATION_FAILED', 'The backfill is not valid', { details });
}
