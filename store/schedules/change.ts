import type { ScheduleSettings } from '../../core/schedules/settings.ts';
import type { Database } from '../database/pool.ts';
import { type Act, actValues } from '../operators/audit.ts';
import { COLUMNS, type ScheduleAtNow, SHOWN_SETTINGS, type StoredSchedule, withSettings } from './read.ts';

/** The content of a schedule, ready to be stored. */
export type ScheduleContent = {
  settings: ScheduleSettings;
  /** The item for errand.submit_tasks (core/schedules/submission.ts). */
  submission: Record<string, unknown>;
  /** Of the definition that the payload was checked against. */
  schemaHash: string;
};

/** When a schedule goes on. `dueAt` is null while it is paused or broken. */
export type Course = { nextAt: Date | null; dueAt: Date | null };

/** Times that the end of a pause leaves out. `count` is null if there are too many to count. */
export type SkippedTimes = { from: Date; until: Date; count: number | null };

/** The schedule after a change; null if it has changed meanwhile, or does not exist any more. */
type Changed = ScheduleAtNow & { schedule: StoredSchedule };

/**
 * A schedule before a change, and whether the content is what it has already. Reads the row and Postgres's clock
 * together. Uses the primary key.
 */
export async function readForChange(
  database: Database,
  id: string,
  { settings, submission }: Omit<ScheduleContent, 'schemaHash'>,
): Promise<ScheduleAtNow & { isSame: boolean }> {
  type Row = StoredSchedule & { now: string; found: string | null; is_same: boolean | null };
  const { rows } = await database.query<Row>({
    name: 'read_schedule_for_change',
    text: `
      select errand.schedule_now() as now, s.id as found, ${COLUMNS}, ${SHOWN_SETTINGS},
             s.settings = $2::jsonb and s.submission = $3::jsonb and s.broken is null as is_same
        from (select) always
        left join errand.schedules s on s.id = $1`,
    values: [id, JSON.stringify(settings), JSON.stringify(submission)],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('Postgres returned no row for a query that always has one');
  const { now, found, is_same, ...schedule } = row;
  return {
    now: new Date(now),
    schedule: found === null ? null : withSettings(schedule),
    isSame: is_same === true,
  };
}

/**
 * Makes a schedule of the API; null if its id is taken meanwhile. The audit row and the notification of runners
 * are part of the statement.
 */
export function createSchedule(
  database: Database,
  id: string,
  { settings, submission, schemaHash }: ScheduleContent,
  { nextAt, dueAt }: Course,
  act: Act,
): Promise<Changed | null> {
  return change(database, {
    name: 'create_schedule',
    text: `
      with changed as (
        insert into errand.schedules as s (
               id, task, origin, settings, submission, schema_hash, created_at, updated_at, next_at, due_at)
        values ($5, $6, 'api', $7, $8, $9, errand.schedule_now(), errand.schedule_now(), $10, $11)
        on conflict (id) do nothing
        returning s.*
      ),
      ${told('put_schedule', `'{"created": true}'::jsonb`)}
      ${ANSWER}`,
    values: [
      ...actValues(act),
      id,
      settings.task,
      JSON.stringify(settings),
      JSON.stringify(submission),
      schemaHash,
      nextAt,
      dueAt,
    ],
  });
}

/**
 * Gives a schedule of the API another content, if its row is as it was read; otherwise null. A broken one is
 * mended. `skipped` are the times of a pause that another timing ends. The audit row names the settings that
 * change, not their values, which may be secrets.
 */
export function changeSchedule(
  database: Database,
  { id, revision }: Pick<StoredSchedule, 'id' | 'revision'>,
  { settings, submission, schemaHash }: ScheduleContent,
  { nextAt, dueAt, skipped }: Course & { skipped: SkippedTimes | null },
  act: Act,
): Promise<Changed | null> {
  return change(database, {
    name: 'change_schedule',
    text: `
      with before as materialized (
        select settings from errand.schedules where id = $5 and revision = $6
      ),
      changed as (
        update errand.schedules s
           set revision = s.revision + 1, updated_at = errand.schedule_now(),
               task = $7, settings = $8, submission = $9, schema_hash = $10,
               last_at = greatest(s.last_at, $14), next_at = $11, due_at = $12, broken = null, broken_at = null
         where s.id = $5 and s.revision = $6 and s.origin = 'api'
        returning s.*
      ),
      ${skippedPause('$13', '$14', '$15')},
      ${told(
        'put_schedule',
        `jsonb_build_object('changed', (
           select coalesce(jsonb_agg(given.key order by given.key), '[]')
             from jsonb_each($8::jsonb) given
            where given.value is distinct from (select settings -> given.key from before)))`,
      )}
      ${ANSWER}`,
    values: [
      ...actValues(act),
      id,
      revision,
      settings.task,
      JSON.stringify(settings),
      JSON.stringify(submission),
      schemaHash,
      nextAt,
      dueAt,
      ...skippedValues(skipped),
    ],
  });
}

/**
 * Removes a schedule of the API, or one in code that no runner has any more: its repository may be gone for good.
 * Its tasks and its history stay. Gives whether it was removed. Uses the primary key and runners_live_idx.
 */
export async function removeSchedule(database: Database, id: string, act: Act): Promise<boolean> {
  const removed = await change(database, {
    name: 'remove_schedule',
    text: `
      with changed as (
        delete from errand.schedules s
         where s.id = $5
           and (s.origin = 'api'
                or not exists (select from errand.runners r where r.ended_at is null and s.id = any (r.schedules)))
        returning s.*
      ),
      ${told('delete_schedule', `jsonb_build_object('task', changed.task)`)}
      ${ANSWER}`,
    values: [...actValues(act), id],
  });
  return removed !== null;
}

/**
 * Pauses a schedule: its times are no longer handled. Null if it is paused already or does not exist. Uses the
 * primary key.
 */
export function pauseSchedule(database: Database, id: string, act: Act): Promise<Changed | null> {
  return change(database, {
    name: 'pause_schedule',
    text: `
      with changed as (
        update errand.schedules s
           set revision = s.revision + 1, due_at = null,
               paused_at = errand.schedule_now(), paused_by = $1, pause_reason = $2
         where s.id = $5 and s.paused_at is null
        returning s.*
      ),
      ${told('pause_schedule', `'{}'::jsonb`)}
      ${ANSWER}`,
    values: [...actValues(act), id],
  });
}

/**
 * Ends the pause of a schedule, if its row is as it was read; otherwise null. The times of the pause are recorded
 * as skipped.
 */
export function resumeSchedule(
  database: Database,
  { id, revision }: Pick<StoredSchedule, 'id' | 'revision'>,
  { nextAt, dueAt, skipped }: Course & { skipped: SkippedTimes | null },
  act: Act,
): Promise<Changed | null> {
  return change(database, {
    name: 'resume_schedule',
    text: `
      with changed as (
        update errand.schedules s
           set revision = s.revision + 1, last_at = greatest(s.last_at, $10), next_at = $7, due_at = $8,
               paused_at = null, paused_by = null, pause_reason = null
         where s.id = $5 and s.revision = $6
        returning s.*
      ),
      ${skippedPause('$9', '$10', '$11')},
      ${told('resume_schedule', `jsonb_strip_nulls(jsonb_build_object('skipped', $11::integer))`)}
      ${ANSWER}`,
    values: [...actValues(act), id, revision, nextAt, dueAt, ...skippedValues(skipped)],
  });
}

/** The row of the times that a pause has left out. */
function skippedPause(from: string, until: string, count: string): string {
  return `
      skipped as (
        insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, reason, until, times)
        select changed.id, ${from}::timestamptz, 'skipped', 'paused', ${until}::timestamptz, ${count}::integer
          from changed
         where ${from}::timestamptz is not null
        on conflict do nothing
      )`;
}

function skippedValues(skipped: SkippedTimes | null): unknown[] {
  return [skipped?.from ?? null, skipped?.until ?? null, skipped?.count ?? null];
}

/** The audit row of what is in `changed`, and the notification of the runners. */
function told(action: string, details: string): string {
  return `
      audited as (
        insert into errand.audit (actor, action, namespace, target, reason, request_id, details)
        select $1, '${action}', split_part(changed.id, '.', 1), changed.id, $2, $3,
               nullif(${details} || coalesce($4::jsonb, '{}'), '{}')
          from changed
      ),
      notified as (
        select pg_notify(errand.channel('schedule'), changed.id) from changed
      )`;
}

const ANSWER = `
      select errand.schedule_now() as now, ${COLUMNS}, ${SHOWN_SETTINGS}
        from changed s
       where (select count(*) from notified) >= 0 -- makes Postgres run it`;

async function change(
  database: Database,
  statement: { name: string; text: string; values: unknown[] },
): Promise<Changed | null> {
  const { rows } = await database.query<StoredSchedule & { now: string }>(statement);
  const [row] = rows;
  if (row === undefined) return null;
  const { now, ...schedule } = row;
  return { now: new Date(now), schedule: withSettings(schedule) };
}
