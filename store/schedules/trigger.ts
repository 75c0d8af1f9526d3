import { type Database, retryTransient } from '../database/pool.ts';
import { type Act, actValues } from '../operators/audit.ts';
import type { SubmitOutcome, Submitted } from '../submit/submit.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';

/** The values that a run by hand has beside the submission of its schedule. */
export type Trigger = {
  id: string;
  /** Makes the request safe to repeat. It is one of this schedule: other schedules of the task have others. */
  idempotencyKey: string | undefined;
  traceparent: string | null;
  /** The rights of the caller, as for a submission. */
  mayRead: boolean;
  mayOperate: boolean;
};

/**
 * Submits one task of a schedule now, and moves nothing. The task, its row in the history and the audit row are
 * one statement: after a crash before the commit nothing exists; after it, a caller that repeats its
 * Idempotency-Key gets its task. Null if there is no such schedule, or it is broken. A repeated key that came with
 * an earlier payload of the schedule is a conflict.
 *
 * The time that the task stands for is now. It gets a microsecond, which no time of a schedule has, so that no
 * time is taken for one that has run. Uses the primary key.
 */
export async function triggerSchedule(
  database: Database,
  trigger: Trigger,
  act: Act,
): Promise<Submitted<Task> | null> {
  type Row = { outcome: SubmitOutcome } & Task;
  const { rows } = await retryTransient(() =>
    database.query<Row>({ name: 'trigger_schedule', text: TRIGGER, values: valuesOf(trigger, act) }),
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { outcome, ...task } = row;
  return { outcome, task: outcome === 'conflict' ? null : task };
}

function valuesOf({ id, idempotencyKey, traceparent, mayRead, mayOperate }: Trigger, act: Act): unknown[] {
  const { actor, reason, requestId } = act;
  const item = {
    submitted_by: actor,
    initiator: actor,
    reason,
    request_id: requestId,
    traceparent,
    may_read: mayRead,
    may_operate: mayOperate,
    ...(idempotencyKey === undefined
      ? {}
      : { dedup: 'idempotency_key', dedup_key: `${id} ${idempotencyKey}` }),
  };
  return [...actValues(act), id, JSON.stringify(item)];
}

const TRIGGER = `
  with schedule as materialized (
    select s.*,
           case when date_trunc('milliseconds', clock.now) = clock.now
                then clock.now + interval '1 microsecond' else clock.now end as at
      from errand.schedules s
     cross join (select errand.schedule_now() as now) clock
     where s.id = $5 and s.broken is null
  ),
  submitted as materialized (
    select sub.outcome, sub.task, s.id as schedule_id, s.at
      from schedule s
     cross join lateral errand.submit_tasks(jsonb_build_array(
             (s.submission - 'dedup') || $6::jsonb || jsonb_build_object(
               'payload', s.settings -> 'payload',
               'dispatch_id', gen_random_uuid(),
               'scheduled_for', s.at))) sub
  ),
  recorded as (
    insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, task_id, is_trigger)
    select schedule_id, at, 'submitted', (task).id, true from submitted where outcome = 'created'
    on conflict do nothing
  ),
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $1, 'trigger_schedule', (task).id, split_part(schedule_id, '.', 1), schedule_id, $2, $3, $4::jsonb
      from submitted
     where outcome = 'created'
  )
  select s.outcome, ${TASK_COLUMNS}
    from submitted s
   cross join lateral (select (s.task).*) t`;
