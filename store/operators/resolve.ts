import { CLOSED, RESOLVABLE, type State } from '../../core/states.ts';
import type { Connections } from '../database/pool.ts';
import { inTransaction } from '../database/transaction.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import { isVisible, type Visibility, visibilityValues } from '../tasks/visibility.ts';
import { type Act, actValues } from './audit.ts';

/** The result that an operator gives a step (W5). */
export type Resolution = { data: unknown; resolvedBy: string; reason: string };

/**
 * Resolves by hand a step of a workflow, or a task that a step made. It counts as done with this
 * result, and the tasks that wait for it continue in the same transaction. Gives the step. Gives
 * null if it is in another state, if its workflow has ended otherwise, or if there is no such step
 * of this workflow that the caller may see.
 *
 * After a crash before the commit nothing has changed; after the commit everything has, including
 * dispatches. An attempt that started meanwhile does not count, because the step no longer names
 * its dispatch.
 */
export function resolveStep(
  pool: Connections,
  step: { workflowId: string; stepId: string },
  resolution: Resolution,
  act: Act,
  visibility: Visibility,
): Promise<Task | null> {
  return inTransaction(pool, async (client) => {
    const ancestors = await client.query<{ state: State }>(LOCK_LINEAGE, [step.workflowId]);
    if (ancestors.rows.some(({ state }) => CLOSED.some((closed) => closed === state))) return null;
    const { rows } = await client.query<Task & { was: string }>(RESOLVE, [
      ...[step.stepId, step.workflowId, RESOLVABLE, ...visibilityValues(visibility)],
      ...[JSON.stringify(resolution.data), resolution.resolvedBy, resolution.reason, ...actValues(act)],
    ]);
    const row = rows[0];
    if (row === undefined) return null;
    const { was, ...resolved } = row;
    // The workflow had continued without this step.
    const wasCounted = was === 'queued' || was === 'scheduled';
    if (!wasCounted) await client.query('select errand.revive($1)', [[step.workflowId]]);
    await client.query('select errand.unblock_dependents($1, $2, $3)', [
      [step.workflowId],
      [resolved.step],
      [true],
    ]);
    // It may have waited for a slot.
    await client.query('select errand.leave_limits($1)', [[resolved.id]]);
    return resolved;
  });
}

/**
 * Locks its workflow and all ancestors: parents before their children, as errand.unblock_dependents
 * and errand.revive require.
 */
const LOCK_LINEAGE = `
  with recursive lineage as (
    select t.id, t.parent_id from errand.tasks t where t.id = $1
     union all
    select a.id, a.parent_id from lineage l join errand.tasks a on a.id = l.parent_id
  )
  select t.state
    from errand.tasks t
   where t.id in (select id from lineage)
   order by t.id
     for no key update`;

const RESOLVE = `
  with before as materialized (
    -- The step as it is now, and stays until it is updated.
    select t.id, t.state
      from errand.tasks t
     where t.id = $1 and t.parent_id = $2 and t.state = any ($3) and ${isVisible('$4', '$5')}
       for no key update
  ),
  t as (
    update errand.tasks t
       set state = 'resolved',
           result = jsonb_build_object(
             'success', true,
             'result', $6::jsonb,
             'message', 'Manually resolved by ' || $7,
             'retryable', false,
             'metadata', jsonb_build_object('resolved_at', now(), 'resolution_reason', $8::text)),
           error = null,
           dispatch_id = null,
           pending = 0,
           finished_at = now()
      from before
     where t.id = before.id
    returning t.*, before.state as was
  ),
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $9, 'resolve', t.id, split_part(t.name, '.', 1), t.name, coalesce($10, $8), $11,
           jsonb_build_object('state', t.was, 'resolved_by', $7::text) || coalesce($12::jsonb, '{}')
      from t
  )
  select ${TASK_COLUMNS}, t.was from t`;
