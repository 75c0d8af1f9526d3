import { criticalPath } from '../core/critical_path.ts';
import type { Database } from '../store/pool.ts';
import { listNodes, type WorkflowNode } from '../store/steps.ts';
import { type Attempt, listAttempts, type Task } from '../store/tasks.ts';

/** The graph of a workflow and how far it has come, as the wire has it. */
export type Workflow = {
  nodes: WorkflowNode[];
  edges: { from: string; to: string }[];
  critical_path: string[];
};

/** A task with all that there is to read of it (specification R1). */
export type TaskRecord = Task & { attempts: Attempt[]; workflow: Workflow | null };

/** The record of a task that the caller may see. */
export async function recordOf(database: Database, task: Task): Promise<TaskRecord> {
  const workflow = task.children === null ? null : await readWorkflow(database, task.id);
  return { ...task, attempts: await listAttempts(database, task.id), workflow };
}

/** Null for a task whose children are no steps: one that maps. Who may see a workflow may see its steps. */
async function readWorkflow(database: Database, id: string): Promise<Workflow | null> {
  const { nodes } = (await listNodes(database, id, null, true)) ?? { nodes: [] };
  if (nodes.length === 0) return null;
  const steps = nodes.map(({ step, after, ...node }) => ({ ...node, step: step ?? '', after: after ?? [] }));
  const edges = steps.flatMap(({ step, after }) => after.map((from) => ({ from, to: step })));
  return { nodes, edges, critical_path: criticalPath(steps) };
}
