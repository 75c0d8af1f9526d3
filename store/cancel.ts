import { CANCELLABLE } from '../core/states.ts';
import { type Act, actValues } from './audit.ts';
import { CANCEL_CHANNEL } from './lease.ts';
import type { Database } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/**
 * Cancels a task (R3): at once when it is not running; a running one is asked to end, and its runner records
 * what came of it. Every runner hears of it, because an attempt that has just begun is not written as running
 * yet. Gives the task, or null when it is not in a state for it, or there is none that the caller may see. A ring
 * that it leaves behind is stale.
 *
 * What has children is cancelled with them and theirs (W7), in the same statement; a step by itself counts down its
 * workflow. Children are found by tasks_parent_id_step_key.
 */
export async function cancelTask(
  database: Database,
  id: string,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await database.query<Task>({
    name: 'cancel_task',
    text: `${CANCEL} select ${TASK_COLUMNS} from t cross join done where t.id = any ($1)`,
    values: [[id], CANCELLABLE, ...visibilityValues(visibility), ...actValues(act)],
  });
  return rows[0] ?? null;
}

/** The same for many, in one statement; gives the ids of those that were cancelled or asked to end. */
export async function cancelTasks(
  database: Database,
  ids: string[],
  act: Act,
  visibility: Visibility,
): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>({
    name: 'cancel_tasks',
    text: `${CANCEL} select t.id from t cross join done where t.id = any ($1)`,
    values: [ids, CANCELLABLE, ...visibilityValues(visibility), ...actValues(act)],
  });
  return rows.map(({ id }) => id);
}

const CANCEL = `
  with recursive tree as (
    select t.id, t.parent_id
      from errand.tasks t
     where t.id = any ($1) and t.state = any ($2) and ${isVisible('$3', '$4')}
     union
    select child.id, child.parent_id
      from tree
      join errand.tasks child on child.parent_id = tree.id
     where child.state = any ($2)
  ),
  locked as materialized (
    -- Parents before their children, as errand.settle wants it.
    select t.id, t.ring
      from errand.tasks t
     where t.id in (select id from tree union all select parent_id from tree)
     order by t.id
       for no key update
  ),
  t as (
    update errand.tasks t
       set cancel_requested_at = coalesce(t.cancel_requested_at, now()),
           pending = 0,
           (state, ring, finished_at) = (
             select 'running', t.ring, null::timestamptz where t.state = 'running' and t.ring is not null
             union all
             -- One that waits for its children is nobody's to end.
             select 'cancelled', null::uuid, now() where t.state <> 'running' or t.ring is null
           )
      from tree
     where t.id = tree.id and t.state = any ($2) and (select count(*) from locked) >= 0
    returning t.*, old.state as was
  ),
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $5, 'cancel', t.id, split_part(t.name, '.', 1), t.name, $6, $7,
           jsonb_build_object('state', t.was) || coalesce($8::jsonb, '{}')
      from t
     where t.id = any ($1)
  ),
  -- What waited for its children had begun, and a retry of it will be the next attempt.
  ended as (
    insert into errand.attempts (task_id, attempt, outcome, started_at, finished_at)
    select t.id, t.attempt, 'cancelled', t.started_at, t.finished_at
      from t
     where t.finished_at is not null and t.started_at is not null
  ),
  -- Children that were made while this waited for their parent.
  missed as (
    select unnest(errand.cancel_children(array_agg(t.id))) as id from t where t.children > 0 having count(*) > 0
  ),
  alone as materialized (
    select t.parent_id, t.step, t.was = 'waiting' as waited, parent.ring is not null as is_looking
      from t
      join locked parent on parent.id = t.parent_id
     where t.finished_at is not null and t.parent_id not in (select id from tree)
  ),
  -- Nobody has counted a step that waits; but a workflow that looks at its steps at this moment has to look again.
  revived as (
    select errand.revive(array_agg(parent_id)) from alone where waited and is_looking having count(*) > 0
  ),
  settled as (
    select errand.settle(array_agg(parent_id), array_agg(step), array_agg(false))
      from alone
     where (not waited or is_looking) and (select count(*) from revived) >= 0
    having count(*) > 0
  ),
  told as (
    select pg_notify('${CANCEL_CHANNEL}', cancelled.id::text)
      from (select id from t union all select id from missed) cancelled
  ),
  -- Materialized, because Postgres drops what nobody reads of one that it folds in.
  done as materialized (
    select (select count(*) from told) + (select count(*) from settled) as parts
  )`;
