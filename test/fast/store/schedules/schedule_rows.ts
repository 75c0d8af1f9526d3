import type { Database } from '../../../../store/database/pool.ts';

/** A schedule as it is stored, of which a test gives what matters to it. */
export type ScheduleRow = {
  id: string;
  task?: string;
  /** A time relative to now, such as `-2 hours`; null if it has none. */
  due?: string | null;
  pausedFor?: string | null;
  broken?: string | null;
  held?: string | null;
};

/** Writes schedules as they are. No runner computes their times. */
export async function addSchedules(database: Database, rows: readonly ScheduleRow[]): Promise<void> {
  await database.query(
    `insert into errand.schedules (id, task, origin, settings, submission, next_at, due_at, held_for,
                                   paused_at, paused_by, broken, broken_at)
     select r.id, coalesce(r.task, 'example.now'), 'api',
            jsonb_build_object('task', coalesce(r.task, 'example.now'), 'payload', '{}'::jsonb, 'every_seconds', 86400),
            jsonb_build_object('name', coalesce(r.task, 'example.now'), 'version', '1.0.0', 'priority', 0, 'max_attempts', 1),
            now() + r.due::interval, now() + r.due::interval, now() + r.held::interval,
            now() - r."pausedFor"::interval, case when r."pausedFor" is not null then 'user:ann' end,
            r.broken, case when r.broken is not null then now() end
       from jsonb_to_recordset($1::jsonb) as r (id text, task text, due text, held text, "pausedFor" text, broken text)`,
    [JSON.stringify(rows)],
  );
}
