import type { Pool } from 'pg';
import { submittable } from '../../core/registration/submittable.ts';
import { type ScheduleSettings, settingsSchema } from '../../core/schedules/settings.ts';
import { submissionOf } from '../../core/schedules/submission.ts';
import type { TaskDefinition } from '../../core/task.ts';
import { definitions } from '../../tasks/index.ts';

/** The settings of a schedule with defaults for what is not given. */
function settingsOf(given: Partial<ScheduleSettings> = {}): ScheduleSettings {
  return settingsSchema.parse({
    task: 'example.echo',
    payload: { message: 'tick' },
    ...(given.cron || given.at ? {} : { every_seconds: 60 }),
    ...given,
  });
}

export type StoredSchedule = Partial<ScheduleSettings> & {
  id: string;
  /** Relative to Postgres's clock, in seconds; negative: overdue. */
  nextIn?: number;
  /** Instead of `nextIn`. */
  nextAt?: string;
  pausedAt?: string;
  broken?: string;
  heldFor?: string;
  lastAt?: string;
};

/** Writes a schedule as it would be after a change by the API. Its due time is its next time. */
export async function storeSchedule(pool: Pool, schedule: StoredSchedule): Promise<void> {
  const { id, nextIn = -1, nextAt, pausedAt, broken, heldFor, lastAt, ...given } = schedule;
  const settings = settingsOf(given);
  await pool.query(
    `insert into errand.schedules (id, task, origin, settings, submission, last_at, next_at, due_at, held_for, paused_at, broken)
     select $1, $2, 'api', $3, $4, $9, at, case when $7::timestamptz is null and $8::text is null then at end, $10, $7, $8
       from (select coalesce($5::timestamptz, date_trunc('second', errand.schedule_now() + make_interval(secs => $6))) as at) n`,
    [
      ...[id, settings.task, JSON.stringify(settings)],
      JSON.stringify(submissionOf(id, settings, submittable(definitionOf(settings.task)))),
      ...[nextAt ?? null, nextIn, pausedAt ?? null, broken ?? null, lastAt ?? null, heldFor ?? null],
    ],
  );
}

function definitionOf(name: string): TaskDefinition {
  const definition = definitions.find((one) => one.name === name);
  if (definition === undefined) throw new Error(`There is no task ${name}`);
  return definition;
}

/** A run as recorded, with the state of its task. */
export type StoredRun = {
  scheduled_for: string;
  outcome: string;
  reason: string | null;
  until: string | null;
  times: number | null;
  task_id: string | null;
  state: string | null;
};

/** The outcome of the times of a schedule, oldest first. */
export async function readRuns(pool: Pool, id: string): Promise<StoredRun[]> {
  const { rows } = await pool.query<StoredRun>(
    `select r.scheduled_for, r.outcome, r.reason, r.until, r.times, r.task_id, t.state
       from errand.schedule_runs r
       left join errand.tasks t on t.id = r.task_id
      where r.schedule_id = $1
      order by r.scheduled_for, r.outcome`,
    [id],
  );
  return rows;
}

/** The row of a schedule. */
export async function readSchedule(pool: Pool, id: string) {
  type Row = Record<'last_at' | 'next_at' | 'due_at' | 'held_for' | 'broken', string | null> & {
    revision: number;
  };
  const { rows } = await pool.query<Row>('select * from errand.schedules where id = $1', [id]);
  if (rows[0] === undefined) throw new Error(`There is no schedule ${id}`);
  return rows[0];
}
