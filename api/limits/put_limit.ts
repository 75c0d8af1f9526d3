import type { Request } from 'express';
import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { ErrandError } from '../../core/errors.ts';
import { MAX_LIMIT } from '../../core/limits/define_limit.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { changeLimit } from '../../store/operators/limits.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer, jsonBody } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { textUpTo } from '../openapi/schemas/parameters.ts';
import { ref } from '../openapi/schemas/schemas.ts';
import { actOf } from '../operators/act.ts';
import { answerOf, callWaiting, limitNotFound, limitToChange } from './limit.ts';
import { limitNameParameter, limitValue } from './limit_schema.ts';

const body: JsonSchema = {
  type: 'object',
  description: 'The change. A property that is left out stays as it is',
  additionalProperties: false,
  properties: {
    limit: limitValue,
    paused: { type: 'boolean', description: 'Whether nothing may start under it' },
    reason: { ...textUpTo(1_000), description: 'The reason, for the audit trail' },
  },
};

/** The component schema of the body. */
export const putLimitSchemas = { LimitChange: body };

/** The operation in the OpenAPI document. */
export function putLimitPaths(): Paths {
  return {
    '/v1/limits/{limit_name}': {
      put: {
        tags: ['limits'],
        operationId: 'putLimit',
        summary: 'Set the value of a limit, or pause or resume it',
        description:
          'The value replaces the declared one until `DELETE`, also after deployments. With a larger value, and after a pause, those that wait start at once. With a smaller one, and in a pause, nothing that runs is ended. The same request again changes nothing.',
        parameters: [limitNameParameter],
        requestBody: jsonBody(ref('LimitChange'), { limit: 10, reason: 'the printer has a second tray' }),
        responses: { 200: jsonAnswer('The limit', ref('LimitAnswer')), ...failures(400, 404) },
      },
    },
  };
}

const check = checker(body);
const bodySchema = z.object({
  limit: z.int().min(1).max(MAX_LIMIT).nullable().optional(),
  paused: z.boolean().optional(),
  reason: z.string().optional(),
});

/**
 * `PUT /v1/limits/{limit_name}` (specification Q7). After a crash behind the change, the runners call who waits.
 */
export const putLimit: Operation = async (context, request, response) => {
  const name = limitToChange(context, request);
  const { limit, paused, reason } = readBody(request);
  const act = actOf(context, request, reason);
  const changed = await changeLimit(context.writes, name, { slots: limit, paused }, act);
  if (changed === null) throw limitNotFound(name);
  if (changed.has_more_room) await callWaiting(context, name);
  response.json(await answerOf(context, name, changed.changed));
};

/** Throws VALIDATION_FAILED with the problems of the body. */
function readBody(request: Request): z.output<typeof bodySchema> {
  const details = check(request.body, '/body');
  const isEmpty = details.length === 0 && !('limit' in request.body) && !('paused' in request.body);
  if (isEmpty)
    details.push({ path: '/body', message: 'must have limit or paused: nothing is to be changed' });
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  return bodySchema.parse(request.body);
}
