import { ErrandError } from '../../core/errors.ts';
import { criticalPath } from '../../core/workflows/critical_path.ts';
import type { Database } from '../../store/database/pool.ts';
import {
  type Attempt,
  countAttempts,
  listAttempts,
  getTask as readTask,
  type Task,
} from '../../store/tasks/tasks.ts';
import { listNodes, type WorkflowNode } from '../../store/workflows/steps.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { waitForTask, waitParameter, waitSeconds } from './wait.ts';

/** The operation in the OpenAPI document. */
export function getTaskPaths(): Paths {
  return {
    '/v1/tasks/{id}': {
      get: {
        tags: ['tasks'],
        operationId: 'getTask',
        summary: 'Read a task with its attempts and, for a workflow, the graph of its steps',
        parameters: [idParameter, waitParameter],
        responses: { 200: jsonAnswer('The record', ref('TaskRecord')), ...failures(400, 404) },
      },
    },
  };
}

/**
 * `GET /v1/tasks/{id}` (specification R1): the record with attempts and graph, at once or after the task has
 * finished.
 */
export const getTask: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const seconds = waitSeconds(request);
  const found = await readTask(context.reads, id, context.visibility);
  const task: Task | null = found && (await waitForTask(context, found, seconds));
  if (task === null) throw taskNotFound(id);
  response.json(await recordOf(context.reads, task));
};

/** The error for an id without a task that the caller may see. */
export function taskNotFound(id: string): ErrandError {
  return new ErrandError(
    'NOT_FOUND',
    `There is no task ${id}: it never existed, or retention has removed it. Check the id`,
  );
}

/**
 * The same for a caller that wanted to change the task. A caller for some namespaces must not learn whether
 * the task exists, so it gets FORBIDDEN.
 */
export function taskNotFoundFor({ principal }: RequestContext, id: string): ErrandError {
  if (principal.namespaces === null) return taskNotFound(id);
  const namespaces = principal.namespaces.join(', ') || 'none';
  return new ErrandError(
    'FORBIDDEN',
    `There is no task ${id} in the namespaces of these credentials: ${namespaces}`,
  );
}

/** The number of attempts in a record. Each may have 100 KB, and a task may have a thousand. */
const SHOWN_ATTEMPTS = 10;

/** The graph of a workflow and its progress, in the form of the API. */
export type Workflow = {
  nodes: WorkflowNode[];
  edges: { from: string; to: string }[];
  critical_path: string[];
};

/** A task with everything that can be read about it (specification R1). */
export type TaskRecord = Task & { attempts: Attempt[]; attempts_total: number; workflow: Workflow | null };

/** The record of a task that the caller may see. */
export async function recordOf(database: Database, task: Task): Promise<TaskRecord> {
  const workflow = task.children === null ? null : await readWorkflow(database, task.id);
  const attempts = await listAttempts(database, task.id, { limit: SHOWN_ATTEMPTS });
  // A count is needed only for the few tasks with more attempts.
  const total = attempts.length < SHOWN_ATTEMPTS ? attempts.length : await countAttempts(database, task.id);
  return { ...task, attempts, attempts_total: total, workflow };
}

/**
 * The graph of a workflow. Null for a task whose children are not steps, that is, a map. A caller that may
 * see a workflow may also see its steps.
 */
async function readWorkflow(database: Database, id: string): Promise<Workflow | null> {
  const { nodes } = (await listNodes(database, id, null, true)) ?? { nodes: [] };
  if (nodes.length === 0) return null;
  const steps = nodes.map(({ step, after, ...node }) => ({ ...node, step: step ?? '', after: after ?? [] }));
  const edges = steps.flatMap(({ step, after }) => after.map((from) => ({ from, to: step })));
  return { nodes, edges, critical_path: criticalPath(steps) };
}

/**
 * A task, or only its id and state if the caller lacks the scope `read`. A caller that knows a `dedup_key`
 * can learn from a submission that a task exists, but must not see what somebody else submitted. With
 * AUTH_READS=false, everybody may read.
 */
export function shownTask<T extends Task>(
  { principal, openReads }: Pick<RequestContext, 'principal' | 'openReads'>,
  task: T,
): T | Pick<T, 'id' | 'state'> {
  return mayRead({ principal, openReads }) ? task : { id: task.id, state: task.state };
}

/** Whether a caller may read tasks at all. Its visibility decides in which namespaces. */
export function mayRead({ principal, openReads }: Pick<RequestContext, 'principal' | 'openReads'>): boolean {
  return openReads || principal.scopes.has('read');
}
