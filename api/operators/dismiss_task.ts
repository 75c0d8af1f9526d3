import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { inWords } from '../../core/states.ts';
import { dismissTask as dismiss } from '../../store/operators/dismiss.ts';
import { getTask } from '../../store/tasks/tasks.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer, jsonBody } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { shownTask, taskNotFoundFor } from '../tasks/get_task.ts';
import { actOf } from './act.ts';

/** The reason for an action that asks for one. */
export const requiredReason: JsonSchema = {
  type: 'string',
  minLength: 1,
  maxLength: 1_000,
  description: 'The reason, for the audit trail',
};

const dismissSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: { reason: requiredReason },
};

/** The operation in the OpenAPI document. */
export function dismissTaskPaths(): Paths {
  return {
    '/v1/tasks/{id}/dismiss': {
      post: {
        tags: ['tasks'],
        operationId: 'dismissTask',
        summary: 'Dismiss a failed task: it needs nobody any more',
        description:
          'The task and its failed parts stay failed, with their records, but are in no group of errors any more, and retries by filter leave them out. A retry of the task takes the dismissal back. A task that was dismissed before stays as it is.',
        parameters: [idParameter],
        requestBody: jsonBody(dismissSchema, { reason: 'Paid by phone' }),
        responses: { 200: jsonAnswer('The task, dismissed', ref('TaskAnswer')), ...failures(400, 404) },
      },
    },
  };
}

const check = checker(dismissSchema);
const bodySchema = z.object({ reason: z.string() });

/** `POST /v1/tasks/{id}/dismiss` (specification R15): a failure that needs nobody any more. */
export const dismissTask: Operation = async (context, request, response) => {
  const details = check(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { reason } = bodySchema.parse(request.body);
  const id = String(request.params.id);
  const task = await dismiss(context.writes, id, actOf(context, request, reason), context.visibility);
  if (task !== null) {
    response.json({ task: shownTask(context, task), message: 'The failed task is dismissed' });
    return;
  }
  const current = await getTask(context.writes, id, context.visibility);
  if (current === null) throw taskNotFoundFor(context, id);
  if (current.dismissed_at !== null) {
    response.json({ task: shownTask(context, current), message: 'The failed task was dismissed before' });
    return;
  }
  throw new ErrandError(
    'BAD_REQUEST',
    `Task cannot be dismissed: it ${inWords(current.state)}. Only a failed task can be dismissed`,
  );
};
