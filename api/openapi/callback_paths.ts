import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { CALLBACK_URL_MAX_LENGTH } from '../../core/target_url.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { failures, jsonAnswer, jsonBody } from './answers.ts';
import type { Paths } from './document.ts';
import { deliveryIdParameter, idParameter, namespaceParameter, reasonParameter } from './parameters.ts';
import { object, ref } from './schemas.ts';

const uuid: JsonSchema = { type: 'string', format: 'uuid' };
const time: JsonSchema = { type: 'string', format: 'date-time' };
const nullableTime: JsonSchema = { type: ['string', 'null'], format: 'date-time' };
const nullableCount: JsonSchema = { type: ['integer', 'null'], minimum: 0 };
const url: JsonSchema = { type: 'string', minLength: 1, maxLength: CALLBACK_URL_MAX_LENGTH };

/** The body of the operation that enables an endpoint. */
export const enableSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['namespace', 'url'],
  properties: {
    namespace: { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH, description: 'Of its tasks' },
    url: { ...url, description: 'As the list of the disabled ones has it' },
    reason: { type: 'string', minLength: 1, maxLength: 1_000, description: 'Why, for the audit trail' },
  },
};

/** The component schemas of callbacks and their deliveries. */
export const callbackSchemas: Record<string, JsonSchema> = {
  DeliveryAttempt: object('One time that a message was sent', {
    attempt: { type: 'integer', minimum: 1 },
    outcome: {
      type: 'string',
      enum: ['running', 'succeeded', 'failed', 'interrupted', 'crashed', 'timed_out', 'cancelled'],
    },
    started_at: nullableTime,
    finished_at: nullableTime,
    duration_ms: nullableCount,
    status: { type: ['integer', 'null'], description: 'Of the answer; null when there was none' },
    error: { anyOf: [ref('TaskError'), { type: 'null' }] },
  }),
  Delivery: object('A message to a callback, and what came of it', {
    id: uuid,
    message_id: { type: 'string', description: '`webhook-id`: the same each time that the message is sent' },
    type: { type: 'string', description: '`task.` and the state in which the task ended' },
    url: { type: 'string' },
    state: { type: 'string', enum: [...STATES] },
    created_at: time,
    next_attempt_at: { ...nullableTime, description: 'Null when none is due' },
    attempts: { type: 'array', items: ref('DeliveryAttempt') },
  }),
  DeliveryList: object('The deliveries of a task, newest first', {
    deliveries: { type: 'array', items: ref('Delivery') },
    is_truncated: { type: 'boolean', description: 'Whether there are older ones' },
  }),
  ResendAnswer: object('The delivery that sends a message again', {
    delivery_id: uuid,
    message_id: { type: 'string', description: 'As before: a receiver can tell that it has had it' },
    message: { type: 'string' },
  }),
  DisabledCallback: object('A URL that answered 410', {
    namespace: { type: 'string' },
    url: { type: 'string' },
    disabled_at: time,
    task_id: { ...uuid, description: 'The task that it was told of then; it may be gone' },
  }),
  DisabledCallbackList: object('The disabled URLs, by namespace', {
    callbacks: { type: 'array', items: ref('DisabledCallback') },
    is_truncated: { type: 'boolean', description: 'Whether there are more' },
  }),
  EnableAnswer: object('The URL that is told again', {
    namespace: { type: 'string' },
    url: { type: 'string' },
    message: { type: 'string' },
  }),
};

/** The paths of callbacks and their deliveries (specification L5). */
export function callbackPaths(): Paths {
  const tags = ['callbacks'];
  return {
    '/v1/tasks/{id}/deliveries': {
      get: {
        tags,
        operationId: 'listDeliveries',
        summary: 'What was sent to the callback of a task, and what came of it',
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
          'By a new delivery. Not while one is about to send it anyway (409); one that waits for its next attempt goes on beside it.',
        parameters: [idParameter, deliveryIdParameter, reasonParameter],
        responses: { 201: jsonAnswer('The new delivery', ref('ResendAnswer')), ...failures(404, 409) },
      },
    },
    '/v1/callbacks/disabled': {
      get: {
        tags,
        operationId: 'listDisabledCallbacks',
        summary: 'The URLs that answered 410 and are sent nothing more',
        parameters: [namespaceParameter],
        responses: { 200: jsonAnswer('The URLs', ref('DisabledCallbackList')), ...failures() },
      },
    },
    '/v1/callbacks/enable': {
      post: {
        tags,
        operationId: 'enableCallback',
        summary: 'Send to a disabled URL again',
        description: 'What comes from now on. What has failed meanwhile is sent when that is asked for.',
        requestBody: jsonBody(enableSchema, { namespace: 'billing', url: 'https://shop.example.com/errand' }),
        responses: { 200: jsonAnswer('Enabled', ref('EnableAnswer')), ...failures(404) },
      },
    },
  };
}
