import { type Database, retryTransient } from '../database/pool.ts';
import { NOT_DISMISSED, TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import { isVisible, type Visibility, visibilityValues } from '../tasks/visibility.ts';
import { type Act, actValues } from './audit.ts';

/**
 * Dismisses the failure of a task and those of its failed parts: they stay failed, and are in no error
 * group any more. Gives the task. Gives null if it has not failed, was dismissed before, or if there is
 * no such task that the caller may see. The audit row of the task has the number of its parts. Uses the
 * primary key and tasks_parent_id_step_key.
 */
export async function dismissTask(
  database: Database,
  id: string,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  const { rows } = await retryTransient(() =>
    database.query<Task>({
      name: 'dismiss_task',
      text: `
        ${DISMISS}
        select ${TASK_COLUMNS} from dismissed t where t.id = $1`,
      values: [id, ...visibilityValues(visibility), ...actValues(act)],
    }),
  );
  return rows[0] ?? null;
}

/** The failed task, locked before its parts are: parents before their children, as everywhere. */
const FAILED = `
  failed as materialized (
    select t.id
      from errand.tasks t
     where t.id = $1 and t.state = 'failed' and ${NOT_DISMISSED} and ${isVisible('$2', '$3')}
       for no key update
  )`;

/** The failed parts of failed parts. Other parts have no failures that a person sees. */
const PARTS = `
  parts as (
    select id from failed
     union all
    select t.id from parts join errand.tasks t on t.parent_id = parts.id where t.state = 'failed'
  )`;

const LOCKED = `
  locked as materialized (
    select t.id, t.error_group
      from errand.tasks t
     where t.id in (select id from parts) and t.state = 'failed' and ${NOT_DISMISSED}
     order by t.id
       for no key update
  )`;

/** Not before the failure: the failure may have been recorded by a transaction that began later. */
const DISMISSED = `
  dismissed as (
    update errand.tasks t
       set dismissed_at = greatest(now(), t.finished_at)
      from locked
     where t.id = locked.id
    returning t.*
  )`;

const AUDITED = `
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $4, 'dismiss', t.id, split_part(t.name, '.', 1), t.name, $5, $6,
           jsonb_strip_nulls(jsonb_build_object(
             'error_group', t.error_group,
             'parts', nullif((select count(*) from locked) - 1, 0))) || coalesce($7::jsonb, '{}')
      from dismissed t
     where t.id = $1
  )`;

const DISMISS = `with recursive ${[FAILED, PARTS, LOCKED, DISMISSED, AUDITED].join(',')}`;
