import { CLOSED, RESOLVABLE, type State } from '../core/states.ts';
import { type Act, actValues } from './audit.ts';
import type { Connections } from './pool.ts';
import { TASK_COLUMNS, type Task } from './tasks.ts';
import { inTransaction } from './transaction.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/** What an operator says that a step came to (W5). */
export type Resolution = { data: unknown; resolvedBy: string; reason: string };

/**
 * Resolves a step of a workflow by hand: it counts as done with this result, and what comes after it goes on in the same
 * transaction. Gives the step, or null when it is not in a state for it, its workflow has come to its end otherwise, or
 * there is no such step of this workflow that the caller may see.
 *
 * The crash at each line: before the commit nothing has changed; after it, all of it, rings included. An attempt that had
 * begun meanwhile does not count: the step names no ring any more.
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
    // Its workflow had gone on without it.
    const wasCounted = was === 'queued' || was === 'scheduled';
    if (!wasCounted) await client.query('select errand.revive($1)', [[step.workflowId]]);
    await client.query('select errand.settle($1, $2, $3)', [[step.workflowId], [resolved.step], [true]]);
    return resolved;
  });
}

/** Its workflow, and what that is a part of: parents before their children, as errand.settle and errand.revive want it. */
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
  with t as (
    update errand.tasks t
       set state = 'resolved',
           result = jsonb_build_object(
             'success', true,
             'result', $6::jsonb,
             'message', 'Manually resolved by ' || $7,
             'retryable', false,
             'metadata', jsonb_build_object('resolved_at', now(), 'resolution_reason', $8::text)),
           error = null,
           ring = null,
           pending = 0,
           finished_at = now()
     where t.id = $1 and t.parent_id = $2 and t.step is not null and t.state = any ($3) and ${isVisible('$4', '$5')}
    returning t.*, old.state as was
  ),
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select $9, 'resolve', t.id, split_part(t.name, '.', 1), t.name, coalesce($10, $8), $11,
           jsonb_build_object('state', t.was, 'resolved_by', $7::text) || coalesce($12::jsonb, '{}')
      from t
  )
  select ${TASK_COLUMNS}, t.was from t`;
