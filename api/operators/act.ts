import type { Request } from 'express';
import { z } from 'zod';
import { inWords } from '../../core/states.ts';
import type { Database } from '../../store/database/pool.ts';
import type { Act } from '../../store/operators/audit.ts';
import type { Task } from '../../store/tasks/tasks.ts';
import { readEndedWorkflow } from '../../store/workflows/steps.ts';
import type { RequestContext } from '../context.ts';
import { inQuery, type Parameter, textUpTo } from '../openapi/schemas/parameters.ts';
import { parseQuery, requestId } from '../request.ts';

/** The operator's reason for the action. */
export const reasonParameter: Parameter = inQuery(
  'reason',
  textUpTo(1_000),
  'The reason, for the audit trail',
);

const querySchema = z.object({ reason: z.string().optional() });

/** The audit trail's entry for an operator's request. The reason comes from `?reason=` unless given. */
export function actOf(context: RequestContext, request: Request, reason?: string): Act {
  return {
    actor: context.principal.actor,
    reason: reason ?? parseQuery(querySchema, request).reason ?? null,
    requestId: requestId(request),
  };
}

/**
 * Describes how the workflow of a task has ended, if nothing can be done to the task alone any more. Null for
 * all other tasks.
 */
export async function endOfWorkflow(
  database: Database,
  { id, parent_id, step }: Pick<Task, 'id' | 'parent_id' | 'step'>,
): Promise<string | null> {
  const root = parent_id === null ? null : await readEndedWorkflow(database, id);
  if (root === null) return null;
  const name = step !== null && root.depth === 1 ? 'its workflow' : 'the task that it is a part of';
  return `${name} ${inWords(root.state)}`;
}
