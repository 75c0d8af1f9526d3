import { type ScheduleSettings, settingsSchema } from '../../core/schedules/settings.ts';
import type { Database } from '../database/pool.ts';

/** The state of a schedule. A held time of one that has no more times is still to come, so it is `active`. */
export const SCHEDULE_STATES = ['active', 'paused', 'broken', 'ended'] as const;

export type ScheduleState = (typeof SCHEDULE_STATES)[number];

/** The maintainer of a schedule: files of a repository, or callers of the API. */
export const SCHEDULE_ORIGINS = ['code', 'api'] as const;

/** A schedule as stored. Times are ISO 8601. */
export type StoredSchedule = {
  id: string;
  task: string;
  origin: (typeof SCHEDULE_ORIGINS)[number];
  owner: string | null;
  state: ScheduleState;
  /** Its payload is without secrets, for display. In lists it is empty. */
  settings: ScheduleSettings;
  /** Counts all changes of the row, firings included. */
  revision: number;
  created_at: string;
  updated_at: string;
  /** All times up to it are handled. */
  last_at: string | null;
  /** The first time that is not handled. */
  next_at: string | null;
  /** When it is handled. Null while it is paused or broken. */
  due_at: string | null;
  held_for: string | null;
  paused_at: string | null;
  paused_by: string | null;
  pause_reason: string | null;
  broken: string | null;
  broken_at: string | null;
};

/** A schedule, and the time of the clock that decides what is due. */
export type ScheduleAtNow = { now: Date; schedule: StoredSchedule | null };

/** The state of the schedule `s`. */
const STATE = `
  case when s.broken is not null then 'broken'
       when s.paused_at is not null then 'paused'
       when s.due_at is null and s.held_for is null then 'ended'
       else 'active'
  end`;

/** The columns of a schedule `s`, other than its settings. */
export const COLUMNS = `
  s.id, s.task, s.origin, s.owner, ${STATE} as state, s.revision, s.created_at, s.updated_at,
  s.last_at, s.next_at, s.due_at, s.held_for, s.paused_at, s.paused_by, s.pause_reason, s.broken, s.broken_at`;

/** The settings of `s`, with a payload as answers show it. */
export const SHOWN_SETTINGS = `
  case when s.task = 'http.request'
       then s.settings || jsonb_build_object('payload', errand.shown_payload(s.task, s.settings -> 'payload'))
       else s.settings
  end as settings`;

/** One schedule by its id, and the time of Postgres's clock for schedules. Uses the primary key. */
export async function readSchedule(database: Database, id: string): Promise<ScheduleAtNow> {
  type Row = StoredSchedule & { now: string; found: string | null };
  const { rows } = await database.query<Row>({
    name: 'read_schedule',
    text: `
      select errand.schedule_now() as now, s.id as found, ${COLUMNS}, ${SHOWN_SETTINGS}
        from (select) always
        left join errand.schedules s on s.id = $1`,
    values: [id],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('Postgres returned no row for a query that always has one');
  const { now, found, ...schedule } = row;
  return { now: new Date(now), schedule: found === null ? null : withSettings(schedule) };
}

/** The time of the clock that decides which times of schedules are due. */
export async function readScheduleNow(database: Database): Promise<Date> {
  const { rows } = await database.query<{ now: string }>({
    name: 'read_schedule_now',
    text: 'select errand.schedule_now() as now',
  });
  return new Date(rows[0]?.now ?? '');
}

/** The conditions of a list of schedules. */
export type ScheduleFilter = {
  /** Those of these namespaces; undefined means all. */
  namespaces: readonly string[] | undefined;
  task?: string | undefined;
  state?: ScheduleState | undefined;
  origin?: StoredSchedule['origin'] | undefined;
};

/**
 * A page of schedules by id, after the id `after`, without their payloads, and whether more follow. Each
 * namespace is a range of the primary key, so without other conditions a page costs the same however many
 * schedules there are. The schedules of one task are found by schedules_task_idx.
 */
export async function listSchedules(
  database: Database,
  { namespaces, task, state, origin }: ScheduleFilter,
  page: { after: string | undefined; size: number },
): Promise<{ schedules: StoredSchedule[]; more: boolean }> {
  const { lows, highs } = rangesOf(namespaces, page.after);
  const { rows } = await database.query<StoredSchedule>({
    name: `list_schedules${task === undefined ? '' : '_of_task'}`,
    text: `
      select s.*
        from unnest($1::text[], $2::text[]) as range (low, high)
       cross join lateral (
               select ${COLUMNS}, s.settings - 'payload' as settings
                 from errand.schedules s
                where s.id > range.low and s.id < range.high
                  ${task === undefined ? 'and $3::text is null' : 'and s.task = $3'}
                  and ($4::text is null or ${STATE} = $4)
                  and ($5::text is null or s.origin = $5)
                order by s.id
                limit $6) s
       order by s.id
       limit $6`,
    values: [lows, highs, task ?? null, state ?? null, origin ?? null, page.size + 1],
  });
  return { schedules: rows.slice(0, page.size).map(withSettings), more: rows.length > page.size };
}

/**
 * The ranges of ids, without their ends. '/' follows '.' in byte order, so `a.` to `a/` is the namespace `a`; and
 * no id has a character after '~'.
 */
function rangesOf(
  namespaces: readonly string[] | undefined,
  after: string | undefined,
): { lows: string[]; highs: string[] } {
  const ranges =
    namespaces === undefined
      ? [{ low: '', high: '~' }]
      : [...new Set(namespaces)].map((namespace) => ({ low: `${namespace}.`, high: `${namespace}/` }));
  // Ids are ASCII, so both sides have the same order.
  const left = ranges.filter(({ high }) => after === undefined || after < high);
  return {
    lows: left.map(({ low }) => (after !== undefined && after > low ? after : low)),
    highs: left.map(({ high }) => high),
  };
}

const readable = settingsSchema.extend({ payload: settingsSchema.shape.payload.default({}) });

/** One unusual row must not fail a list: settings that cannot be read are shown as those of a task alone. */
export function withSettings<Row extends Pick<StoredSchedule, 'task' | 'settings'>>(row: Row): Row {
  const parsed = readable.safeParse(row.settings);
  return { ...row, settings: parsed.success ? parsed.data : readable.parse({ task: row.task }) };
}
