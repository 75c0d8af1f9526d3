import { DISPATCH_SIZE } from '../../core/dispatches.ts';
import { CLOSED, REARMABLE } from '../../core/states.ts';
import { type Database, retryTransient } from '../database/pool.ts';
import { addDispatches } from '../submit/add_dispatches.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import { isVisible, type Visibility, visibilityValues } from '../tasks/visibility.ts';
import { type Act, actValues } from './audit.ts';

/**
 * Retries a failed, cancelled or expired task (R4), with one more attempt if its budget is used up. Its
 * earlier attempts stay in the history. It does not expire any more. A suspect stays a suspect, but at most one of its crashes
 * still counts. In a workflow only failed or cancelled steps are repeated (W4). If a step alone is
 * retried, its workflow continues. A step that was cancelled before its turn waits again. Gives the
 * task. Gives null if it is in another state, because another request was faster, because its
 * workflow has succeeded or was cancelled, or because there is no such task that the caller may
 * see.
 */
export async function retryTask(
  database: Database,
  id: string,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await retryTransient(() =>
    database.query<Task>({
      name: 'retry_task',
      text: `${RETRY} select ${TASK_COLUMNS} from t cross join done`,
      values: [[id], REARMABLE, ...visibilityValues(visibility), ...actValues(act), CLOSED],
    }),
  );
  return rows[0] ?? null;
}

/**
 * The same for many tasks in one statement. Gives the ids of those that were queued. They share
 * dispatches.
 */
export async function retryTasks(
  database: Database,
  ids: string[],
  act: Act,
  visibility: Visibility,
): Promise<string[]> {
  const { rows } = await retryTransient(() =>
    database.query<{ id: string }>({
      name: 'retry_tasks',
      text: `${RETRY} select t.id from t cross join done`,
      values: [ids, REARMABLE, ...visibilityValues(visibility), ...actValues(act), CLOSED],
    }),
  );
  return rows.map(({ id }) => id);
}

/** The ancestors of each task. */
const LINEAGE = `
  lineage as (
    select t.id, t.parent_id as ancestor_id
      from errand.tasks t
     where t.id = any ($1) and t.state = any ($2) and t.parent_id is not null
     union all
    select l.id, a.parent_id
      from lineage l
      join errand.tasks a on a.id = l.ancestor_id
     where a.parent_id is not null
  )`;

/**
 * Locks these and tasks with children: parents before their children, as errand.unblock_dependents
 * requires.
 */
const LOCKED = `
  locked as materialized (
    select t.id, t.state
      from errand.tasks t
     where t.id in (select ancestor_id from lineage) or t.id = any ($1) and t.children > 0
     order by t.id
       for no key update
  )`;

/** The tasks as they are now, and stay until they are updated. */
const BEFORE = `
  before as materialized (
    select t.id, t.name, t.priority, t.step, t.children, t.state, t.error_group
      from errand.tasks t
     where t.id = any ($1) and t.state = any ($2) and ${isVisible('$3', '$4')}
       and (select count(*) from locked) >= 0
     order by t.id
       for no key update
  )`;

/** The tasks that can be queued, in parts of the size of a dispatch. */
const CANDIDATE = `
  candidate as materialized (
    select t.id, t.name, t.priority, t.step, t.children, t.state as was, t.error_group as had_group,
           (row_number() over (partition by t.name, t.priority order by t.id) - 1) / ${DISPATCH_SIZE} as part
      from before t
       -- No part of a workflow that has succeeded or was cancelled is retried alone, and none
       -- together with an ancestor that repeats it.
     where not exists (
             select
               from lineage l
               join locked ancestor on ancestor.id = l.ancestor_id
              where l.id = t.id
                and (ancestor.state = any ($9)
                     or ancestor.id = any ($1) and ancestor.state = any ($2)))
  )`;

/**
 * Runs once per task, and re-arms its children. A second run at the same time has no further
 * effect.
 */
const AGAIN = `
  again as materialized (
    select c.id,
           case when c.step is not null then errand.count_before(c.id) else 0 end as before,
           case when c.children > 0 then errand.rearm_children(c.id) else 0 end as pending
      from candidate c
  )`;

/** A dispatch for each part. */
const FRESH = `
  fresh as materialized (
    select part.name, part.priority, part.part, gen_random_uuid() as dispatch_id
      from (select distinct name, priority, part from candidate) part
  )`;

/**
 * The next attempt of each. A suspect stays a suspect, but at most one of its crashes still counts.
 */
const QUEUED = `
  t as (
    update errand.tasks t
       set (state, dispatch_id, pending, started_at) = (
             -- It was cancelled while it waited, so it waits again.
             select 'waiting', null::uuid, again.before, null::timestamptz where again.before > 0
             union all
             select 'queued', fresh.dispatch_id, 0, case when t.children > 0 then t.started_at end
              where again.before = 0 and again.pending = 0
             union all
             select 'running', null::uuid, again.pending, coalesce(t.started_at, now())
              where again.before = 0 and again.pending > 0
           ),
           attempt = errand.next_attempt(t.attempt, t.started_at),
           max_attempts = greatest(t.max_attempts, errand.next_attempt(t.attempt, t.started_at)),
           run_at = now(),
           expires_at = null,
           finished_at = null,
           runner_id = null,
           error = null,
           cancel_requested_at = null,
           progress = null,
           progress_note = null,
           crashes = least(t.crashes, 1::smallint)
      from candidate
      join fresh using (name, priority, part)
      join again using (id)
     where t.id = candidate.id
    returning t.*, candidate.was, candidate.had_group
  )`;

/** The audit rows, with the earlier state and the error group. */
const AUDITED = `
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $5, 'retry', t.id, split_part(t.name, '.', 1), t.name, $6, $7,
           jsonb_strip_nulls(jsonb_build_object('state', t.was, 'error_group', t.had_group)) || coalesce($8::jsonb, '{}')
      from t
  )`;

/** The workflows of steps that are retried alone continue. */
const REVIVED = `
  revived as (
    select errand.revive(array_agg(t.parent_id))
      from t
     where t.parent_id is not null and t.state <> 'waiting'
    having count(*) > 0
  )`;

/** Materialized, because Postgres drops parts of an inlined query that nothing reads. */
const DONE = `
  done as materialized (
    select (select count(*) from dispatched) + (select count(*) from revived) as parts
  )`;

const RETRY = `
  with recursive ${[LINEAGE, LOCKED, BEFORE, CANDIDATE, AGAIN, FRESH, QUEUED, AUDITED, addDispatches('t where dispatch_id is not null'), REVIVED, DONE].join(',')}`;
