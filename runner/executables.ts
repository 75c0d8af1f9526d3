import type { Pool } from 'pg';
import type { Handler, TaskDefinition } from '../core/task.ts';
import { isWorkflow } from '../core/workflow.ts';
import { loadHandler } from '../tasks/handlers.ts';
import type { Executable } from './execute.ts';
import { type WorkflowCode, workflowExecutables } from './workflow.ts';

/**
 * What these definitions let a runner execute, by task name: the steps of workflows, too. Loads every handler now, so
 * that a broken one stops the start instead of failing tasks.
 */
export async function loadExecutables(
  pool: Pool,
  definitions: readonly TaskDefinition[],
): Promise<Map<string, Executable>> {
  const loaded = await Promise.all(
    definitions.map(async (definition): Promise<[string, Executable][]> => {
      const handler = await loadHandler(definition.name);
      return isWorkflow(definition)
        ? workflowExecutables(pool, definition, handler as WorkflowCode)
        : [[definition.name, { definition, handler: handler as Handler }]];
    }),
  );
  return new Map(loaded.flat());
}
