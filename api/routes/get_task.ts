import { ErrandError } from '../../core/errors.ts';
import { getTask as readTask, type Task } from '../../store/tasks.ts';
import type { Call, Operation } from '../call.ts';
import { recordOf } from '../record.ts';
import { waitForTask, waitSeconds } from '../wait.ts';

/** `GET /v1/tasks/{id}` (specification R1): the record with attempts and graph, at once or when it has finished. */
export const getTask: Operation = async (call, request, response) => {
  const id = String(request.params.id);
  const seconds = waitSeconds(request);
  const found = await readTask(call.reads, id, call.visibility);
  const task: Task | null = found && (await waitForTask(call, found, seconds));
  if (task === null) throw taskNotFound(id);
  response.json(await recordOf(call.reads, task));
};

/** The error for an id that no task has, or none that the caller may see. */
export function taskNotFound(id: string): ErrandError {
  return new ErrandError(
    'NOT_FOUND',
    `There is no task ${id}: it never existed, or retention has removed it`,
  );
}

/**
 * The same for who wanted to change it. One who may not see everything is told neither that there is such a task nor
 * that there is none: FORBIDDEN.
 */
export function taskNotFoundFor({ principal }: Call, id: string): ErrandError {
  if (principal.namespaces === null) return taskNotFound(id);
  const namespaces = principal.namespaces.join(', ') || 'none';
  return new ErrandError(
    'FORBIDDEN',
    `There is no task ${id} in the namespaces that these credentials are for: ${namespaces}`,
  );
}
