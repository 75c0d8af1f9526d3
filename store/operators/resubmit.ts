import { REARMABLE } from '../../core/states.ts';
import type { Connections, Database } from '../database/pool.ts';
import { inTransaction } from '../database/transaction.ts';
import { type Submission, type Submitted, submitTasks } from '../submit/submit.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import { isVisible, type Visibility, visibilityValues } from '../tasks/visibility.ts';
import { type Act, actValues } from './audit.ts';

/**
 * The result of a resubmission: the task, or the reason why there is none. `replaced`: another one has
 * replaced the task by the task with this id. `unready`: the task is in another state now.
 */
export type Resubmitted = Submitted<Task> | { outcome: 'replaced'; by: string } | { outcome: 'unready' };

/**
 * The stored payload of a task with all secrets, only to be submitted again. Undefined if there is no
 * such task that the caller may see. Uses the primary key.
 */
export async function readStoredPayload(
  database: Database,
  id: string,
  visibility: Visibility,
): Promise<unknown> {
  const { rows } = await database.query<{ payload: unknown }>({
    name: 'read_stored_payload',
    text: `select t.payload from errand.tasks t where t.id = $1 and ${isVisible('$2', '$3')}`,
    values: [id, ...visibilityValues(visibility)],
  });
  return rows[0]?.payload;
}

/**
 * Submits a task that replaces a failed, cancelled or expired one, links both, and dismisses the failure, all in
 * one transaction. Of requests at the same time one replaces it; another with the same Idempotency-Key
 * gets the same task. After a crash before the commit nothing has changed.
 */
export function resubmitTask(
  pool: Connections,
  id: string,
  submission: Submission,
  act: Act,
): Promise<Resubmitted> {
  return inTransaction(pool, async (client): Promise<Resubmitted> => {
    const { rows } = await client.query<{ is_ready: boolean; by: string | null }>(LOCK_REPLACED, [
      id,
      REARMABLE,
    ]);
    const [old] = rows;
    if (old === undefined || !old.is_ready) return { outcome: 'unready' };
    const isRepeatable = submission.dedup.dedup !== null;
    if (old.by !== null && !isRepeatable) return { outcome: 'replaced', by: old.by };
    const [submitted] = await submitTasks(client, [submission]);
    if (submitted?.task == null) return { outcome: 'conflict', task: null };
    if (submitted.outcome !== 'created') return submitted;
    // With another key: the transaction must leave nothing of the new task.
    if (old.by !== null) throw new ReplacedBefore(old.by);
    const linked = await client.query<Task>(REPLACE, [id, submitted.task.id, ...actValues(act)]);
    return { outcome: 'created', task: linked.rows[0] ?? submitted.task };
  }).catch((error: unknown): Resubmitted => {
    if (error instanceof ReplacedBefore) return { outcome: 'replaced', by: error.by };
    throw error;
  });
}

/** Rolls the transaction back. */
class ReplacedBefore extends Error {
  readonly by: string;

  constructor(by: string) {
    super(`The task was replaced by ${by}`);
    this.by = by;
  }
}

/** The task that is to be replaced, and the one that replaces it already, unless it has failed again since. */
const LOCK_REPLACED = `
  select t.state = any ($2) as is_ready,
         case when t.dismissed_at >= t.finished_at then t.resubmitted_as end as by
    from errand.tasks t
   where t.id = $1
     for no key update`;

const REPLACE = `
  with old as (
    update errand.tasks t
       set dismissed_at = greatest(now(), t.finished_at),
           resubmitted_as = $2
     where t.id = $1
    returning t.name, t.state, t.error_group
  ),
  t as (
    update errand.tasks t
       set resubmission_of = $1
     where t.id = $2
    returning t.*
  ),
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $3, 'resubmit', $1, split_part(old.name, '.', 1), old.name, $4, $5,
           jsonb_strip_nulls(jsonb_build_object(
             'state', old.state,
             'error_group', old.error_group,
             'resubmitted_as', $2::uuid)) || coalesce($6::jsonb, '{}')
      from old
  )
  select ${TASK_COLUMNS} from t`;
