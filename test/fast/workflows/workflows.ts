import type { Pool } from 'pg';
import type { WorkflowDefinition, WorkflowHandlers } from '../../../core/workflow.ts';
import { stepRows } from '../../../core/workflows/graph.ts';
import type { RegisteredHandler } from '../../../runner/execute/execute.ts';
import { type WorkflowCode, workflowHandlers } from '../../../runner/execute/workflow.ts';
import type { Submission } from '../../../store/submit/submit.ts';
import { getTask, type Task } from '../../../store/tasks/tasks.ts';
import { submitOne } from '../../support/tasks.ts';

/** What a runner executes of a workflow that is made in a test. */
export function registeredHandlersOf<W extends WorkflowDefinition>(
  pool: Pool,
  workflow: W,
  handlers: WorkflowHandlers<W>,
): [string, RegisteredHandler][] {
  return workflowHandlers(pool, workflow, handlers as unknown as WorkflowCode);
}

/** Puts a workflow into the ledger as the API would. */
export function submitWorkflow(
  pool: Pool,
  workflow: WorkflowDefinition,
  payload: unknown,
  options: Partial<Submission> = {},
): Promise<Task> {
  return submitOne(pool, { name: workflow.name, payload, steps: stepRows(workflow.graph), ...options });
}

/** State and attempt of each child of a task, by step or by its place in the list. */
export async function childrenOf(pool: Pool, parentId: string): Promise<Record<string, string>> {
  const { rows } = await pool.query<{ step: string | null; state: string; attempt: number }>(
    'select step, state, attempt from errand.tasks where parent_id = $1 order by id',
    [parentId],
  );
  return Object.fromEntries(
    rows.map(({ step, state, attempt }, index) => [step ?? String(index), `${state} ${attempt}`]),
  );
}

/** A step of a task, by its name. */
export async function stepOf(pool: Pool, parentId: string, step: string): Promise<Task> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from errand.tasks where parent_id = $1 and step = $2',
    [parentId, step],
  );
  const found = rows[0] === undefined ? null : await getTask(pool, rows[0].id);
  if (found === null) throw new Error(`${parentId} has no step ${step}`);
  return found;
}
