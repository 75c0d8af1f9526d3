import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { namespaceOf } from '../../core/task.ts';
import { readSchedule } from '../../store/schedules/read.ts';
import { triggerSchedule as trigger } from '../../store/schedules/trigger.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures, jsonBody, submitAnswers } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { actOf } from '../operators/act.ts';
import { traceparent } from '../request.ts';
import { answerSubmission } from '../submit/answer_submission.ts';
import { idempotencyKeyOf, idempotencyKeyParameter } from '../submit/submission.ts';
import { mayRead } from '../tasks/get_task.ts';
import { changesTooOften, requireWhole, scheduleNotFound, scheduleToChange } from './schedule.ts';
import { scheduleIdParameter } from './schedule_schema.ts';

const bodySchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    reason: {
      type: 'string',
      minLength: 1,
      maxLength: 1_000,
      description: 'The reason, for the task and the audit trail',
    },
  },
};

/** The operation in the OpenAPI document. */
export function triggerSchedulePaths(): Paths {
  return {
    '/v1/schedules/{schedule_id}/trigger': {
      post: {
        tags: ['schedules'],
        operationId: 'triggerSchedule',
        summary: 'Submit one task of a schedule now',
        description:
          'It moves nothing: the times of the schedule stay as they are, also while it is paused. Overlap is not asked. The task stands for the time of the request (`scheduled_for`).',
        parameters: [scheduleIdParameter, idempotencyKeyParameter],
        requestBody: { ...jsonBody(bodySchema, { reason: 'to see whether it works' }), required: false },
        responses: { ...submitAnswers(), ...failures(404, 409) },
      },
    },
  };
}

const check = checker(bodySchema);
const askedSchema = z.object({ reason: z.string().optional() });

/** `POST /v1/schedules/{schedule_id}/trigger` (specification K5). */
export const triggerSchedule: Operation = async (context, request, response) => {
  const id = scheduleToChange(context, request);
  const body: unknown = request.body ?? {};
  const details = check(body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const idempotencyKey = idempotencyKeyOf(request);
  context.admit(namespaceOf(id));
  const { scopes } = context.principal;
  const submitted = await trigger(
    context.writes,
    {
      ...{ id, idempotencyKey, traceparent: traceparent(request) },
      ...{ mayRead: mayRead(context), mayOperate: scopes.has('operate') },
    },
    actOf(context, request, askedSchema.parse(body).reason),
  );
  if (submitted === null) throw await whyNot(context, id);
  const { outcome, task } = submitted;
  if (task === null) {
    throw new ErrandError(
      'CONFLICT',
      `The Idempotency-Key ${JSON.stringify(idempotencyKey)} was already used when ${id} had another payload: use a new key`,
    );
  }
  context.submitted(task.name, outcome);
  const created = outcome === 'created';
  answerSubmission(context, request, response, {
    task,
    created,
    message: created
      ? `Task created: one run of ${id} by hand`
      : `${id} was triggered before with this Idempotency-Key, and this is its task`,
  });
};

async function whyNot(context: RequestContext, id: string): Promise<ErrandError> {
  const { schedule } = await readSchedule(context.writes, id);
  if (schedule === null) return scheduleNotFound(id);
  requireWhole(schedule);
  // It was mended in this moment.
  return changesTooOften(id);
}
