import { type ChangedLimit, resetLimit } from '../../store/operators/limits.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { object } from '../openapi/schemas/schemas.ts';
import { actOf, reasonParameter } from '../operators/act.ts';
import { callWaiting, limitNotFound, limitToChange } from './limit.ts';
import { limitNameParameter } from './limit_schema.ts';

/** The operation in the OpenAPI document. */
export function deleteLimitPaths(): Paths {
  return {
    '/v1/limits/{limit_name}': {
      delete: {
        tags: ['limits'],
        operationId: 'resetLimit',
        summary: 'Remove what operators have set for a limit',
        description:
          'The declared value holds again, and a pause ends: those that wait start at once. A limit that no definition has any more is gone afterwards.',
        parameters: [limitNameParameter, reasonParameter],
        responses: { 200: jsonAnswer('The outcome of the removal', answerSchema), ...failures(404) },
      },
    },
  };
}

const answerSchema = object('The outcome of the removal', {
  name: { type: 'string' },
  changed: { type: 'boolean', description: 'Whether anything was set' },
  message: { type: 'string' },
});

/** `DELETE /v1/limits/{limit_name}` (specification Q7). After a crash behind the change, the runners call who waits. */
export const deleteLimit: Operation = async (context, request, response) => {
  const name = limitToChange(context, request);
  const changed = await resetLimit(context.writes, name, actOf(context, request));
  if (changed === null) throw limitNotFound(name);
  if (changed.has_more_room) await callWaiting(context, name);
  response.json({ name, changed: changed.changed, message: messageOf(changed) });
};

function messageOf({ name, changed, declared }: ChangedLimit): string {
  if (!changed) return `Nothing was set for ${name}`;
  if (declared === null) return `${name} is gone, because no definition has it`;
  return `${name} is what its definitions declare again: ${declared}`;
}
