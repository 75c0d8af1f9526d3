import { OPEN } from '../core/states.ts';
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
 */
export async function cancelTask(
  database: Database,
  id: string,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await database.query<Task>({
    name: 'cancel_task',
    text: `${CANCEL} select ${TASK_COLUMNS} from t where (select count(*) from told) >= 0`,
    values: [[id], OPEN, ...visibilityValues(visibility), ...actValues(act)],
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
    text: `${CANCEL} select t.id from t where (select count(*) from told) >= 0`,
    values: [ids, OPEN, ...visibilityValues(visibility), ...actValues(act)],
  });
  return rows.map(({ id }) => id);
}

const CANCEL = `
  with t as (
    update errand.tasks t
       set cancel_requested_at = coalesce(t.cancel_requested_at, now()),
           (state, ring, finished_at) = (
             select 'running', t.ring, null::timestamptz where t.state = 'running'
             union all
             select 'cancelled', null::uuid, now() where t.state <> 'running'
           )
     where t.id = any ($1) and t.state = any ($2) and ${isVisible('$3', '$4')}
    returning t.*, old.state as was
  ),
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $5, 'cancel', t.id, split_part(t.name, '.', 1), t.name, $6, $7,
           jsonb_build_object('state', t.was) || coalesce($8::jsonb, '{}')
      from t
  ),
  told as (
    select pg_notify('${CANCEL_CHANNEL}', t.id::text) from t
  )`;
