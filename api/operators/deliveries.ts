import { z } from 'zod';
import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { inWords, STATES } from '../../core/states.ts';
import { inTransaction } from '../../store/database/transaction.ts';
import {
  auditResend,
  type FoundDelivery,
  findDelivery,
  listDeliveries,
} from '../../store/operators/deliveries.ts';
import { submitTasks } from '../../store/submit/submit.ts';
import { deliver } from '../../tasks/webhook.deliver.task.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter, type Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { ownSubmission } from '../submit/submission.ts';
import { taskNotFound, taskNotFoundFor } from '../tasks/get_task.ts';
import { actOf, reasonParameter } from './act.ts';

const uuid: JsonSchema = { type: 'string', format: 'uuid' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const nullableCount: JsonSchema = { type: ['integer', 'null'], minimum: 0 };

/** The component schemas of deliveries. */
export const deliverySchemas: Record<string, JsonSchema> = {
  DeliveryAttempt: object('One try to send a message', {
    attempt: { type: 'integer', minimum: 1 },
    outcome: {
      type: 'string',
      enum: ['running', 'succeeded', 'failed', 'interrupted', 'crashed', 'timed_out', 'cancelled'],
    },
    started_at: nullableTime,
    finished_at: nullableTime,
    duration_ms: nullableCount,
    status: { type: ['integer', 'null'], description: 'The status of the answer. Null if there was none' },
    error: { anyOf: [ref('TaskError'), { type: 'null' }] },
  }),
  Delivery: object('A message to a callback, and its outcome', {
    id: uuid,
    message_id: {
      type: 'string',
      description: '`webhook-id`: it stays the same if the message is sent again',
    },
    type: { type: 'string', description: '`task.` and the final state of the task' },
    url: { type: 'string' },
    state: { type: 'string', enum: [...STATES] },
    created_at: time,
    next_attempt_at: { ...nullableTime, description: 'Null if no attempt is due' },
    attempts: { type: 'array', items: ref('DeliveryAttempt') },
  }),
  DeliveryList: object('The deliveries of a task, newest first', {
    deliveries: { type: 'array', items: ref('Delivery') },
    is_truncated: { type: 'boolean', description: 'Whether older deliveries exist' },
  }),
  ResendAnswer: object('The delivery that sends a message again', {
    delivery_id: uuid,
    message_id: {
      type: 'string',
      description: 'The same as before, so that a receiver can recognise a repeated message',
    },
    message: { type: 'string' },
  }),
};

const deliveryIdParameter: Parameter = {
  name: 'delivery_id',
  in: 'path',
  required: true,
  description: 'The id of the delivery',
  schema: { type: 'string', format: 'uuid' },
};

/** The paths of the deliveries of a task (specification L5). */
export function deliveryPaths(): Paths {
  const tags = ['callbacks'];
  return {
    '/v1/tasks/{id}/deliveries': {
      get: {
        tags,
        operationId: 'listDeliveries',
        summary: 'List the messages to the callback of a task, and their outcomes',
        parameters: [idParameter],
        responses: { 200: jsonAnswer('The deliveries', ref('DeliveryList')), ...failures(404) },
      },
    },
    '/v1/tasks/{id}/deliveries/{delivery_id}/resend': {
      post: {
        tags,
        operationId: 'resendDelivery',
        summary: 'Send a message again, with the same id',
        description:
          'A new delivery sends it. If a delivery of it is due or running, the answer is 409. A delivery that waits for its next attempt continues beside the new one.',
        parameters: [idParameter, deliveryIdParameter, reasonParameter],
        responses: { 201: jsonAnswer('The new delivery', ref('ResendAnswer')), ...failures(404, 409) },
      },
    },
  };
}

/**
 * The size of one answer. A task has one delivery for each time that it finished, and one for each resend.
 */
const LIMIT = 100;

/**
 * `GET /v1/tasks/{id}/deliveries` (specification L5): the messages to the callback of a task, and their
 * outcomes.
 */
export const listTaskDeliveries: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const found = await listDeliveries(context.reads, id, context.visibility, LIMIT);
  if (found === null) throw taskNotFound(id);
  response.json({ deliveries: found.deliveries, is_truncated: found.more });
};

/**
 * `POST /v1/tasks/{id}/deliveries/{delivery_id}/resend`: sends the same message by a new delivery. Refused if
 * a delivery of it is due or running. A delivery in backoff continues beside the new one; the receiver
 * recognises a repeated message by its id.
 */
export const resendDelivery: Operation = async (context, request, response) => {
  const taskId = String(request.params.id);
  const deliveryId = String(request.params.delivery_id);
  const act = actOf(context, request);
  const resent = await inTransaction(context.writes, async (client) => {
    const found = await findDelivery(client, { taskId, deliveryId }, context.visibility);
    if (found === null) throw taskNotFoundFor(context, taskId);
    const { payload, messageId } = resendable(found, taskId, deliveryId);
    const [submitted] = await submitTasks(client, [
      { ...ownSubmission(deliver, payload, act, request), callbackOf: taskId },
    ]);
    if (!submitted?.task) throw new Error('the delivery was not submitted');
    const { id } = submitted.task;
    await auditResend(client, { taskId, name: found.name }, act, { delivery_id: deliveryId, resent_as: id });
    return { id, messageId };
  });
  response.status(201).json({
    delivery_id: resent.id,
    message_id: resent.messageId,
    message: `Sent again, as delivery ${resent.id}`,
  });
};

const messageSchema = z.looseObject({ message_id: z.string() });

/**
 * The message of a delivery. Throws NOT_FOUND if the task has no such delivery, and CONFLICT if it is due or
 * running.
 */
function resendable(
  { id, state, payload }: FoundDelivery,
  taskId: string,
  deliveryId: string,
): { payload: unknown; messageId: string } {
  if (id === null || state === null) {
    throw new ErrandError('NOT_FOUND', `The task ${taskId} has no delivery ${deliveryId}`);
  }
  if (state === 'scheduled' || state === 'queued' || state === 'running') {
    throw new ErrandError(
      'CONFLICT',
      `The delivery ${deliveryId} ${inWords(state)}: wait until it has been sent`,
    );
  }
  return { payload, messageId: messageSchema.parse(payload).message_id };
}
