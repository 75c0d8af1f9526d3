import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { ErrandError } from '../../core/errors.ts';
import { CALLBACK_URL_MAX_LENGTH } from '../../core/network/target_url.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import { enableCallback as enable, listDisabledCallbacks } from '../../store/operators/callbacks.ts';
import { type Operation, requireNamespace } from '../context.ts';
import { failures, jsonAnswer, jsonBody } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { inQuery, type Parameter, textUpTo } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { visibleNamespaces } from '../tasks/filter.ts';
import { actOf } from './act.ts';

const url: JsonSchema = { type: 'string', minLength: 1, maxLength: CALLBACK_URL_MAX_LENGTH };

/** The body of the operation that enables an endpoint. */
const enableSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['namespace', 'url'],
  properties: {
    namespace: {
      type: 'string',
      minLength: 1,
      maxLength: NAME_MAX_LENGTH,
      description: 'The namespace of its tasks',
    },
    url: { ...url, description: 'The URL, as the list of disabled callbacks shows it' },
    reason: {
      type: 'string',
      minLength: 1,
      maxLength: 1_000,
      description: 'The reason, for the audit trail',
    },
  },
};

/** The component schemas of disabled callbacks. */
export const callbackSchemas: Record<string, JsonSchema> = {
  DisabledCallback: object('A URL that answered 410', {
    namespace: { type: 'string' },
    url: { type: 'string' },
    disabled_at: { type: 'string', format: 'date-time' },
    task_id: {
      type: 'string',
      format: 'uuid',
      description: 'The task of the message that it answered. It may have been removed',
    },
  }),
  DisabledCallbackList: object('The disabled URLs, by namespace', {
    callbacks: { type: 'array', items: ref('DisabledCallback') },
    is_truncated: { type: 'boolean', description: 'Whether more exist' },
  }),
  EnableAnswer: object('The URL that receives messages again', {
    namespace: { type: 'string' },
    url: { type: 'string' },
    message: { type: 'string' },
  }),
};

const namespaceParameter: Parameter = inQuery(
  'namespace',
  textUpTo(NAME_MAX_LENGTH),
  'Only callbacks of this namespace',
);

/** The paths of disabled callbacks (specification L5). */
export function callbackPaths(): Paths {
  const tags = ['callbacks'];
  return {
    '/v1/callbacks/disabled': {
      get: {
        tags,
        operationId: 'listDisabledCallbacks',
        summary: 'List the URLs that answered 410 and receive no more messages',
        parameters: [namespaceParameter],
        responses: { 200: jsonAnswer('The URLs', ref('DisabledCallbackList')), ...failures() },
      },
    },
    '/v1/callbacks/enable': {
      post: {
        tags,
        operationId: 'enableCallback',
        summary: 'Send to a disabled URL again',
        description: 'New messages are sent again. To send messages that failed meanwhile, resend them.',
        requestBody: jsonBody(enableSchema, { namespace: 'billing', url: 'https://shop.example.com/errand' }),
        responses: { 200: jsonAnswer('Enabled', ref('EnableAnswer')), ...failures(404) },
      },
    },
  };
}

/** The size of one answer. With more disabled endpoints, callers should filter by namespace. */
const LIMIT = 1_000;

const querySchema = z.object({ namespace: z.string().optional() });

/**
 * `GET /v1/callbacks/disabled` (specification L5): the URLs that answered 410 and receive no more messages.
 */
export const listDisabled: Operation = async (context, request, response) => {
  const { namespace } = parseQuery(querySchema, request);
  const found = await listDisabledCallbacks(context.reads, visibleNamespaces(context, namespace), LIMIT);
  response.json({ callbacks: found.callbacks, is_truncated: found.more });
};

const check = checker(enableSchema);
const bodySchema = z.object({ namespace: z.string(), url: z.string(), reason: z.string().optional() });

/**
 * `POST /v1/callbacks/enable`: new messages are sent to the URL again. Messages that failed meanwhile need a
 * resend.
 */
export const enableCallback: Operation = async (context, request, response) => {
  const details = check(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { namespace, url, reason } = bodySchema.parse(request.body);
  requireNamespace(context, namespace);
  if (!(await enable(context.writes, { namespace, url }, actOf(context, request, reason)))) {
    throw new ErrandError(
      'NOT_FOUND',
      `This URL is not a disabled callback of ${namespace}: see GET /v1/callbacks/disabled`,
    );
  }
  response.json({ namespace, url, message: 'Enabled: the URL receives new messages again' });
};
