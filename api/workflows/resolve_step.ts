import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { inWords, RESOLVABLE } from '../../core/states.ts';
import { resolveStep as resolve } from '../../store/operators/resolve.ts';
import { getTask, type Task } from '../../store/tasks/tasks.ts';
import { getStep } from '../../store/workflows/steps.ts';
import { giveWay } from '../capacity/turns.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonAnswer, jsonBody } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { anyJson, ref } from '../openapi/schemas/schemas.ts';
import { actOf, endOfWorkflow } from '../operators/act.ts';
import { mayRead, recordOf, shownTask, taskNotFoundFor } from '../tasks/get_task.ts';
import { resolvedResult } from './resolution.ts';
import { stepIdParameter, stepNotFound } from './workflow_steps.ts';

/** The body of a resolution. */
const resolutionSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['resolution_data', 'resolved_by', 'reason'],
  properties: {
    resolution_data: {
      ...anyJson,
      description:
        'The result of the step, for the steps after it. It must fit the schema of the result, if there is one',
    },
    resolved_by: {
      type: 'string',
      minLength: 1,
      maxLength: 200,
      description: 'The person who resolves the step',
    },
    reason: {
      type: 'string',
      minLength: 1,
      maxLength: 1_000,
      description: 'The reason, for the audit trail',
    },
  },
};

/** The path of a resolution (specification W5). */
export function resolutionPaths(): Paths {
  return {
    '/v1/tasks/{id}/workflow_steps/{step_id}': {
      patch: {
        tags: ['workflows'],
        operationId: 'resolveWorkflowStep',
        summary: 'Resolve a step by hand: give its result',
        description:
          'The step, or the task that a step created, must have failed or not started yet. It then counts as done with the given result, and the tasks that wait for it continue.',
        parameters: [idParameter, stepIdParameter],
        requestBody: jsonBody(resolutionSchema, {
          resolution_data: { paid: true },
          resolved_by: 'ann',
          reason: 'Paid in cash',
        }),
        responses: {
          200: jsonAnswer('The record of the step. Without the scope `read`, only its id and its state', {
            anyOf: [ref('TaskRecord'), ref('ShownTask')],
          }),
          ...failures(404),
        },
      },
    },
  };
}

const check = checker(resolutionSchema);
const bodySchema = z.object({ resolution_data: z.unknown(), resolved_by: z.string(), reason: z.string() });

/**
 * `PATCH /v1/tasks/{id}/workflow_steps/{step_id}` (specification W5): an operator gives the result of a step,
 * or of a task that a step created, and the tasks that wait for it continue.
 */
export const resolveStep: Operation = async (context, request, response) => {
  const details = check(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { resolution_data: data, resolved_by: resolvedBy, reason } = bodySchema.parse(request.body);
  const workflowId = String(request.params.id);
  const stepId = String(request.params.step_id);
  const step = await requireStep(context, workflowId, stepId);
  const obstacle = await whyNot(context, step);
  if (obstacle !== null) throw notResolvable(obstacle);
  const result = await requireFit(context, step, data);
  await giveWay(request);
  const act = actOf(context, request, reason);
  const resolution = { data: result, resolvedBy, reason };
  const resolved = await resolve(context.writes, { workflowId, stepId }, resolution, act, context.visibility);
  if (resolved === null) {
    // Another request has changed the step meanwhile.
    const now = await requireStep(context, workflowId, stepId);
    throw notResolvable((await whyNot(context, now)) ?? 'it has just changed: try again');
  }
  const record = mayRead(context) ? await recordOf(context.writes, resolved) : shownTask(context, resolved);
  await giveWay(request);
  response.json(record);
};

async function requireStep(context: RequestContext, parentId: string, stepId: string): Promise<Task> {
  const step = await getStep(context.writes, { parentId, stepId }, context.visibility);
  if (step !== null) return step;
  const workflow = await getTask(context.writes, parentId, context.visibility);
  throw workflow === null ? taskNotFoundFor(context, parentId) : stepNotFound({ parentId, stepId });
}

/** The reason why a step cannot be resolved, or null. */
async function whyNot(context: RequestContext, task: Task): Promise<string | null> {
  const end = await endOfWorkflow(context.writes, task);
  if (end !== null) return end;
  return RESOLVABLE.some((state) => state === task.state)
    ? null
    : `it ${inWords(task.state)}. Only a step that has failed or has not started can be resolved`;
}

function notResolvable(why: string): ErrandError {
  return new ErrandError('BAD_REQUEST', `Step cannot be manually resolved: ${why}`);
}

/**
 * The value to record for the data. Throws VALIDATION_FAILED if it does not fit the result that later steps
 * expect.
 */
async function requireFit(context: RequestContext, step: Task, data: unknown): Promise<unknown> {
  const result = await resolvedResult(context, step, data, '/body/resolution_data');
  if (result.ok) return result.value;
  throw new ErrandError('VALIDATION_FAILED', `The resolution does not fit the result of ${step.name}`, {
    details: result.details,
  });
}
