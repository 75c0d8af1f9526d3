import { ErrandError } from '../../core/errors.ts';
import { inWords } from '../../core/states.ts';
import { cancelTask as cancel } from '../../store/operators/cancel.ts';
import { getTask } from '../../store/tasks/tasks.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { shownTask, taskNotFoundFor } from '../tasks/get_task.ts';
import { actOf, endOfWorkflow, reasonParameter } from './act.ts';

/** The operation in the OpenAPI document. */
export function cancelTaskPaths(): Paths {
  return {
    '/v1/tasks/{id}': {
      delete: {
        tags: ['tasks'],
        operationId: 'cancelTask',
        summary: 'Cancel a task',
        description:
          'A task that is not running is cancelled at once. A running task is asked to end, and its runner records the outcome. A workflow is cancelled with its steps.',
        parameters: [idParameter, reasonParameter],
        responses: {
          200: jsonAnswer('The task, which was cancelled or asked to end', ref('TaskAnswer')),
          ...failures(400, 404),
        },
      },
    },
  };
}

/**
 * `DELETE /v1/tasks/{id}` (specification R3): cancels a task that is not running, or asks the runner of a
 * running attempt to end it.
 */
export const cancelTask: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const task = await cancel(context.writes, id, actOf(context, request), context.visibility);
  if (task !== null) {
    const message =
      task.state === 'running'
        ? 'The running attempt was asked to end: read the task to see its outcome'
        : 'Task cancelled';
    response.json({ task: shownTask(context, task), message });
    return;
  }
  const current = await getTask(context.writes, id, context.visibility);
  if (current === null) throw taskNotFoundFor(context, id);
  const end = await endOfWorkflow(context.writes, current);
  const cause = end === null ? '' : `, and ${end}`;
  throw new ErrandError('BAD_REQUEST', `Task cannot be cancelled: it ${inWords(current.state)}${cause}`);
};
