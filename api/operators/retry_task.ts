import { ErrandError } from '../../core/errors.ts';
import { inWords, REARMABLE } from '../../core/states.ts';
import { retryTask as rearm } from '../../store/operators/retry.ts';
import { getTask, type Task } from '../../store/tasks/tasks.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { shownTask, taskNotFoundFor } from '../tasks/get_task.ts';
import { actOf, endOfWorkflow, reasonParameter } from './act.ts';

/** The operation in the OpenAPI document. */
export function retryTaskPaths(): Paths {
  return {
    '/v1/tasks/{id}/retry': {
      patch: {
        tags: ['tasks'],
        operationId: 'retryTask',
        summary: 'Queue a failed, cancelled or expired task again',
        description:
          'Earlier attempts stay in the history. If its attempts are used up, it gets one more. Of a workflow, only parts that failed, expired or were cancelled run again. The retry of a step lets its workflow continue.',
        parameters: [idParameter, reasonParameter],
        responses: { 200: jsonAnswer('The task, queued', ref('TaskAnswer')), ...failures(400, 404) },
      },
    },
  };
}

/**
 * `PATCH /v1/tasks/{id}/retry` (specification R4): failed, cancelled or expired → queued. The attempts stay in the
 * history.
 */
export const retryTask: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const task = await rearm(context.writes, id, actOf(context, request), context.visibility);
  if (task !== null) {
    response.json({ task: shownTask(context, task), message: messageOf(task) });
    return;
  }
  const current = await getTask(context.writes, id, context.visibility);
  if (current === null) throw taskNotFoundFor(context, id);
  const end = REARMABLE.some((state) => state === current.state)
    ? await endOfWorkflow(context.writes, current)
    : null;
  if (end !== null) throw new ErrandError('BAD_REQUEST', `Task cannot be retried: ${end}`);
  throw new ErrandError(
    'BAD_REQUEST',
    `Task cannot be retried: it ${inWords(current.state)}. Only a failed, cancelled or expired task can be retried`,
  );
};

/** A workflow waits for its steps, and a step for the steps before it. */
function messageOf({ state, attempt, max_attempts }: Task): string {
  const which = `attempt ${attempt} of ${max_attempts}`;
  if (state === 'running')
    return `The parts of the task that failed, expired or were cancelled are queued again: ${which}`;
  return state === 'waiting'
    ? `The task waits again for the steps before it: ${which}`
    : `The task is queued again: ${which}`;
}
