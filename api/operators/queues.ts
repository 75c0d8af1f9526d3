import type { Request } from 'express';
import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { NAME_MAX_LENGTH } from '../../core/task.ts';
import {
  type Changed,
  pauseQueue as pause,
  listQueues as readQueues,
  resumeQueue as resume,
} from '../../store/operators/queues.ts';
import { isSeenBy, type Operation, type RequestContext, requireName } from '../context.ts';
import { failures, jsonAnswer } from '../openapi/schemas/answers.ts';
import type { Operation as Documented, Paths } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { closeNames } from '../registered/registered_tasks.ts';
import { actOf, reasonParameter } from './act.ts';

const time: JsonSchema = { type: 'string', format: 'date-time' };

/** The component schemas of queues. */
export const queueSchemas: Record<string, JsonSchema> = {
  Pause: object('A pause by an operator', {
    target: { type: 'string', description: 'A namespace, or the name of a task' },
    paused_at: time,
    actor: { type: 'string' },
    reason: { type: ['string', 'null'] },
  }),
  Queue: object('A queue: the tasks of one name', {
    name: { type: 'string' },
    namespace: { type: 'string' },
    pauses: {
      type: 'array',
      items: ref('Pause'),
      description: 'The pauses of its name and its namespace. Empty if it is not paused',
    },
  }),
  QueueList: object('The queues', { queues: { type: 'array', items: ref('Queue') } }),
  QueueAnswer: object('The queue after the operation', {
    queue: { type: 'string' },
    paused: { type: 'boolean' },
    pause: { anyOf: [ref('Pause'), { type: 'null' }] },
    changed: { type: 'boolean', description: 'Whether this operation changed the queue' },
    message: { type: 'string' },
  }),
};

const queueParameter: Parameter = {
  name: 'queue',
  in: 'path',
  required: true,
  description: 'A namespace or a task name. The name of a workflow includes its steps',
  schema: { type: 'string', minLength: 1, maxLength: NAME_MAX_LENGTH },
};

/** The paths of queues, and of pauses (specification R10). */
export function queuePaths(): Paths {
  const summary = 'The queues and their pauses';
  return {
    '/v1/queues': {
      get: {
        tags: ['queues'],
        operationId: 'listQueues',
        summary,
        parameters: [],
        responses: { 200: jsonAnswer(summary, ref('QueueList')), ...failures() },
      },
    },
    '/v1/queues/{queue}/pause': {
      put: changeOf('pauseQueue', 'Stop starting tasks of a namespace or name'),
    },
    '/v1/queues/{queue}/resume': { put: changeOf('resumeQueue', 'Start tasks of a namespace or name again') },
  };
}

function changeOf(operationId: string, summary: string): Documented {
  return {
    tags: ['queues'],
    operationId,
    summary,
    parameters: [queueParameter, reasonParameter],
    responses: { 200: jsonAnswer('The queue', ref('QueueAnswer')), ...failures(404) },
  };
}

/** `PUT /v1/queues/{queue}/pause` (specification R10): tasks of a namespace or name no longer start. */
export const pauseQueue: Operation = async (context, request, response) => {
  const target = targetOf(context, request);
  const changed = await known(context, target, await pause(context.writes, target, actOf(context, request)));
  const message = changed.changed
    ? `Paused: running tasks of ${target} continue, but no more tasks start until it is resumed`
    : `${target} was already paused`;
  response.json({ queue: target, paused: true, pause: changed.pause, changed: changed.changed, message });
};

/** `PUT /v1/queues/{queue}/resume`: tasks start again, including those that became due meanwhile. */
export const resumeQueue: Operation = async (context, request, response) => {
  const target = targetOf(context, request);
  const { changed } = await known(
    context,
    target,
    await resume(context.writes, target, actOf(context, request)),
  );
  const message = changed ? `Resumed: tasks of ${target} start again` : `${target} was not paused`;
  response.json({ queue: target, paused: false, pause: null, changed, message });
};

function targetOf(context: RequestContext, request: Request): string {
  const target = String(request.params.queue);
  requireName(context, target);
  return target;
}

async function known(context: RequestContext, target: string, changed: Changed): Promise<Changed> {
  if (changed.isKnown) return changed;
  const close = target.includes('.') ? await closeNames(context, target, isSeenBy(context)) : [];
  const hint = close.length > 0 ? `did you mean ${close.join(' or ')}?` : 'see GET /v1/queues';
  throw new ErrandError('NOT_FOUND', `No task has the name or namespace ${JSON.stringify(target)}: ${hint}`);
}

/** `GET /v1/queues`: every queue, that is, every task name, with its pauses. */
export const listQueues: Operation = async ({ reads, principal }, _request, response) => {
  response.json({ queues: await readQueues(reads, principal.namespaces) });
};
