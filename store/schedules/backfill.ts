import { assignDispatches } from '../../core/dispatches.ts';
import { type Database, retryTransient } from '../database/pool.ts';
import { type Act, actValues } from '../operators/audit.ts';
import { SUBMITTED } from './fire.ts';
import type { StoredSchedule } from './read.ts';

/** The history of the times of a backfill: the tasks of those that have run, by their time in ms. */
export type RecordedTimes = { tasks: ReadonlyMap<number, string | null>; payloadBytes: number };

/**
 * Which of these times have been submitted, and the size of the payload that each task gets. Uses the primary
 * keys.
 */
export async function readRecorded(
  database: Database,
  id: string,
  times: readonly Date[],
): Promise<RecordedTimes> {
  type Row = { at: string; task_id: string | null; payload_bytes: number };
  const { rows } = await database.query<Row>({
    name: 'read_recorded_times',
    text: `
      select r.scheduled_for as at, r.task_id, octet_length((s.settings -> 'payload')::text) as payload_bytes
        from errand.schedules s
        left join errand.schedule_runs r
               on r.schedule_id = s.id and r.outcome = 'submitted' and r.scheduled_for = any ($2)
       where s.id = $1`,
    values: [id, times.map((time) => time.toISOString())],
  });
  const tasks = rows
    .filter(({ at }) => at !== null)
    .map(({ at, task_id }) => [Date.parse(at), task_id] as const);
  return { tasks: new Map(tasks), payloadBytes: rows[0]?.payload_bytes ?? 0 };
}

/** A time that a backfill has submitted. */
export type Backfilled = { at: Date; taskId: string };

/**
 * Submits the tasks of these times, which no run is recorded of, if the row is as it was read; otherwise null. A
 * firing, another backfill and any other change raise the revision, so of two that are asked for at one moment the
 * second reads again and finds the times of the first. The tasks, their rows in the history and the audit row are
 * one statement: after a crash before the commit nothing has happened, after it the same backfill finds them.
 * Uses the primary key.
 */
export async function submitBackfill(
  database: Database,
  { id, revision }: Pick<StoredSchedule, 'id' | 'revision'>,
  times: readonly Date[],
  range: { from: Date; to: Date },
  act: Act,
): Promise<Backfilled[] | null> {
  type Row = { is_held: boolean; at: string | null; task_id: string | null };
  const items = assignDispatches(
    times.map((at) => ({ at })),
    () => id,
  ).map(({ at, dispatchId }) => ({ at, dispatch_id: dispatchId }));
  const { rows } = await retryTransient(() =>
    database.query<Row>({
      name: 'submit_backfill',
      text: BACKFILL,
      values: [...actValues(act), id, revision, JSON.stringify(items), JSON.stringify(range)],
    }),
  );
  if (rows[0]?.is_held !== true) return null;
  return rows.flatMap(({ at, task_id: taskId }) =>
    at === null || taskId === null ? [] : [{ at: new Date(at), taskId }],
  );
}

const BACKFILL = `
  with held as (
    update errand.schedules s
       set revision = s.revision + 1
     where s.id = $5 and s.revision = $6
    returning s.id, s.submission, s.settings -> 'payload' as payload
  ),
  submitting as materialized (
    select held.id, held.payload, given.at, given.dispatch_id,
           held.submission
             || jsonb_build_object('initiator', $1::text, 'reason', $2::text, 'request_id', $3::text) as submission
      from held
     cross join jsonb_to_recordset($7::jsonb) as given (at timestamptz, dispatch_id uuid)
  ),
  ${SUBMITTED},
  recorded as (
    insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, task_id, is_backfill)
    select held.id, submitted.at, 'submitted', submitted.task_id, true
      from held
     cross join submitted
    on conflict do nothing
  ),
  audited as (
    insert into errand.audit (actor, action, namespace, target, reason, request_id, details)
    select $1, 'backfill_schedule', split_part(held.id, '.', 1), held.id, $2, $3,
           $8::jsonb || jsonb_build_object('submitted', (select count(*) from submitted)) || coalesce($4::jsonb, '{}')
      from held
  )
  select true as is_held, submitted.at, submitted.task_id
    from held
    left join submitted on true
   order by submitted.at`;
