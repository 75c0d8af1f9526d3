import type { ErrorRecord } from '../../core/errors.ts';
import { CANCELLABLE } from '../../core/states.ts';
import { type Database, retryTransient } from '../database/pool.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import { isVisible, type Visibility, visibilityValues } from '../tasks/visibility.ts';
import { type Act, actValues } from './audit.ts';

/**
 * Cancels a task (R3). If the task is not running, it is cancelled at once. If it runs, it is asked
 * to end, and its runner records the outcome. Every runner is notified, because an attempt that has
 * just started is not written as running yet. Gives the task, or null if it is in another state, or
 * if there is none that the caller may see. Its dispatch, if any, becomes stale.
 *
 * A task with children is cancelled together with all its descendants (W7), in the same statement.
 * If a step alone is cancelled, the count of its workflow goes down. Uses tasks_parent_id_step_key
 * for the children.
 */
export async function cancelTask(
  database: Database,
  id: string,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await retryTransient(() =>
    database.query<Task>({
      name: 'cancel_task',
      text: `${CANCEL} select ${TASK_COLUMNS} from t cross join done where t.id = any ($1)`,
      values: [[id], CANCELLABLE, ...visibilityValues(visibility), ...actValues(act), null],
    }),
  );
  return rows[0] ?? null;
}

/**
 * The same for many tasks in one statement. Gives the ids of those that were cancelled or asked to
 * end. `error` is why, if no operator did it: their record keeps it.
 */
export async function cancelTasks(
  database: Database,
  ids: string[],
  act: Act,
  visibility: Visibility,
  error: ErrorRecord | null = null,
): Promise<string[]> {
  const { rows } = await retryTransient(() =>
    database.query<{ id: string }>({
      name: 'cancel_tasks',
      text: `${CANCEL} select t.id from t cross join done where t.id = any ($1)`,
      values: [
        ...[ids, CANCELLABLE, ...visibilityValues(visibility), ...actValues(act)],
        error === null ? null : JSON.stringify(error),
      ],
    }),
  );
  return rows.map(({ id }) => id);
}

/** The requested tasks, if the caller may see them, and their open descendants. */
const TREE = `
  tree as (
    select t.id, t.parent_id
      from errand.tasks t
     where t.id = any ($1) and t.state = any ($2) and ${isVisible('$3', '$4')}
     union
    select child.id, child.parent_id
      from tree
      join errand.tasks child on child.parent_id = tree.id
     where child.state = any ($2)
  )`;

/**
 * Locks these and their parents: parents before their children, as errand.unblock_dependents
 * requires.
 */
const LOCKED = `
  locked as materialized (
    select t.id, t.dispatch_id, t.state
      from errand.tasks t
     where t.id in (select id from tree union all select parent_id from tree)
     order by t.id
       for no key update
  )`;

/** The tasks are cancelled or asked to end. Their earlier states are kept for later parts. */
const CANCELLED = `
  t as (
    update errand.tasks t
       set cancel_requested_at = coalesce(t.cancel_requested_at, now()),
           pending = 0,
           error = case when t.id = any ($1) then coalesce($9::jsonb, t.error) else t.error end,
           (state, dispatch_id, finished_at) = (
             select 'running', t.dispatch_id, null::timestamptz where t.state = 'running' and t.dispatch_id is not null
             union all
             -- A task that waits for its children is executed by no runner, so it ends at once.
             select 'cancelled', null::uuid, now() where t.state <> 'running' or t.dispatch_id is null
           )
      from tree
      -- As it is now, and stays until it is updated.
      join locked using (id)
     where t.id = tree.id and t.state = any ($2) and (select count(*) from locked) >= 0
    returning t.*, locked.state as was
  )`;

/** The audit rows of the requested tasks, without their descendants. */
const AUDITED = `
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $5, 'cancel', t.id, split_part(t.name, '.', 1), t.name, $6, $7,
           jsonb_build_object('state', t.was) || coalesce($8::jsonb, '{}')
      from t
     where t.id = any ($1)
  )`;

/** A task that waited for its children had started, so a retry of it is the next attempt. */
const ENDED = `
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, started_at, finished_at)
    select t.id, t.attempt, 'cancelled', t.started_at, t.finished_at
      from t
     where t.finished_at is not null and t.started_at is not null
  )`;

/** Children that were made while this statement waited for their parent. */
const MISSED = `
  missed as (
    select unnest(errand.cancel_children(array_agg(t.id))) as id from t where t.children > 0 having count(*) > 0
  )`;

/** Steps that were cancelled without their workflow. */
const ALONE = `
  alone as materialized (
    select t.parent_id, t.step, t.was = 'waiting' as waited, parent.dispatch_id is not null as is_looking
      from t
      join locked parent on parent.id = t.parent_id
     where t.finished_at is not null and t.parent_id not in (select id from tree)
  )`;

/**
 * A waiting step is not counted by its workflow. But a workflow that reads its steps at this moment
 * must read them again.
 */
const REVIVED = `
  revived as (
    select errand.revive(array_agg(parent_id)) from alone where waited and is_looking having count(*) > 0
  )`;

/** The steps after such a step, and the workflow that counts it. */
const UNBLOCKED = `
  unblocked as (
    select errand.unblock_dependents(array_agg(parent_id), array_agg(step), array_agg(false))
      from alone
     where (not waited or is_looking) and (select count(*) from revived) >= 0
    having count(*) > 0
  )`;

/** Every runner is notified of each task. */
const NOTIFIED = `
  notified as (
    select pg_notify(errand.channel('cancel'), cancelled.id::text)
      from (select id from t union all select id from missed) cancelled
  )`;

/** Removes the decisions of limits about them: they have ended. */
const DECIDED = `
  decided as (
    delete from errand.limit_ends e where e.task_id = any ($1)
  )`;

/** Those that waited for a slot. The attempts that run free theirs when they end. */
const LEFT = `
  left_limits as (
    select errand.leave_limits(array_agg(cancelled.id))
      from (select id from t union all select id from missed) cancelled
     where (select count(*) from unblocked) >= 0
    having count(*) > 0
  )`;

/** Materialized, because Postgres drops parts of an inlined query that nothing reads. */
const DONE = `
  done as materialized (
    select (select count(*) from notified) + (select count(*) from left_limits) as parts
  )`;

const CANCEL = `
  with recursive ${[TREE, LOCKED, CANCELLED, AUDITED, ENDED, MISSED, ALONE, REVIVED, UNBLOCKED, NOTIFIED, LEFT, DECIDED, DONE].join(',')}`;
