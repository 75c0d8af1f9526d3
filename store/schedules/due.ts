import { z } from 'zod';
import { type ScheduleSettings, settingsSchema } from '../../core/schedules/settings.ts';
import type { Database } from '../database/pool.ts';

/** A schedule with a time that is due, or soon will be. */
export type DueSchedule = {
  id: string;
  /** As read: a firing counts only if the row has not changed since. */
  revision: number;
  task: string;
  priority: number;
  /** Without its payload, which only Postgres needs. Null if the stored settings cannot be read. */
  settings: ScheduleSettings | null;
  /** The first time that was not handled yet. */
  nextAt: Date;
  /** The newest time that was handled. */
  lastAt: Date | null;
  /** The milliseconds until it is due, by Postgres's clock. Not positive: it is due. */
  dueInMs: number;
  /** Postgres's clock when it was read, or the moment when it is due if that is later. */
  now: Date;
};

/** The facts that a tick needs: the due schedules, and when to look again. */
export type Look = {
  /** Those that are due within the horizon, the first ones first. */
  due: DueSchedule[];
  /** The milliseconds until the first schedule is due by Postgres's clock; null if none ever is. */
  nextInMs: number | null;
  /** Whether a time waits for the end of an earlier run. */
  hasHeld: boolean;
};

const dueSchema = z.array(
  z.object({
    id: z.string(),
    revision: z.number(),
    task: z.string(),
    priority: z.number(),
    settings: z.unknown(),
    next_at: z.string(),
    last_at: z.string().nullable(),
    due_at: z.string(),
    due_in_ms: z.number(),
  }),
);
const readable = settingsSchema.omit({ payload: true });

/**
 * The first schedules that are due by Postgres's clock, or will be within `horizonMs`, at most `limit`; and when the
 * first of all is due. One read by schedules_due_idx, and one look at schedules_held_idx, which is nearly always empty (specification K8).
 */
export async function readDue(database: Database, limit: number, horizonMs: number): Promise<Look> {
  type Row = { now: string; next_in_ms: number | null; has_held: boolean; due: unknown };
  const { rows } = await database.query<Row>({
    name: 'read_due_schedules',
    text: `
      select errand.schedule_now() as now,
             (select extract(epoch from min(s.due_at) - errand.schedule_now())::float8 * 1000
                from errand.schedules s
               where s.due_at is not null) as next_in_ms,
             exists (select from errand.schedules s where ${IS_RELEASABLE}) as has_held,
             (select coalesce(jsonb_agg(jsonb_build_object(
                       'id', s.id, 'revision', s.revision, 'task', s.task,
                       'priority', s.submission -> 'priority',
                       'settings', s.settings - 'payload',
                       'next_at', s.next_at, 'last_at', s.last_at, 'due_at', s.due_at,
                       'due_in_ms', extract(epoch from s.due_at - errand.schedule_now()) * 1000)), '[]')
                from (select *
                        from errand.schedules s
                       where s.due_at <= errand.schedule_now() + make_interval(secs => $2 / 1000.0)
                       order by s.due_at
                       limit $1) s) as due`,
    values: [limit, horizonMs],
  });
  const [look] = rows;
  if (look === undefined) throw new Error('Postgres returned no row for a query that always has one');
  const now = new Date(look.now);
  return {
    due: dueSchema.parse(look.due).map((row) => toDue(row, now)),
    nextInMs: look.next_in_ms,
    hasHeld: look.has_held,
  };
}

/** The SQL condition that a held time of `s` may be submitted once no run is open. Uses schedules_held_idx. */
export const IS_RELEASABLE = 's.held_for is not null and s.paused_at is null and s.broken is null';

function toDue(row: z.output<typeof dueSchema>[number], now: Date): DueSchedule {
  const { id, revision, task, priority } = row;
  const dueAt = new Date(row.due_at);
  return {
    ...{ id, revision, task, priority },
    settings: settingsOf(row.settings),
    nextAt: new Date(row.next_at),
    lastAt: row.last_at === null ? null : new Date(row.last_at),
    dueInMs: row.due_in_ms,
    now: dueAt > now ? dueAt : now,
  };
}

function settingsOf(stored: unknown): ScheduleSettings | null {
  const parsed = readable.safeParse(stored);
  return parsed.success ? { ...parsed.data, payload: {} } : null;
}
