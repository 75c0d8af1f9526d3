import { z } from 'zod';
import { getState } from '../../store/tasks/tasks.ts';
import type { Operation } from '../context.ts';
import { failures } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter } from '../openapi/schemas/parameters.ts';
import { parseQuery } from '../request.ts';
import { taskNotFound } from '../tasks/get_task.ts';
import { EVENT_ID, NOTHING_SENT, sentUpTo } from './feed/events.ts';
import { follow, isOver } from './feed/follow.ts';
import { ticketParameter } from './issue_ticket.ts';
import { allSent, events, lastEventId } from './stream_document.ts';

/** The operation in the OpenAPI document. */
export function taskEventsPaths(): Paths {
  return {
    '/v1/tasks/{id}/events': {
      get: {
        tags: ['tasks'],
        operationId: 'taskEvents',
        summary: 'Follow the changes of a task',
        description:
          'Server-Sent Events: `attempt` for each attempt that ended without success, `state` with the state and progress of the task at each change, and at last `end` with the final state. After a reconnect with Last-Event-ID, the stream contains every such attempt and the latest state. With `Accept: text/event-stream`, an empty stream replaces 408, 429 and 503: reconnect after `retry`.',
        parameters: [idParameter, ...lastEventId(EVENT_ID, 30), ticketParameter],
        responses: {
          200: {
            description: 'The events',
            content: events(
              'id: 1-…\nevent: state\ndata: {"state":"running","attempt":1,"progress":0.5}\n\n',
            ),
          },
          204: allSent,
          ...failures(400, 404),
        },
      },
    },
  };
}

const querySchema = z.object({ last_event_id: z.string().optional() });

/**
 * `GET /v1/tasks/{id}/events` (specification L2): Server-Sent Events with the changes of a task until it has
 * finished. With Last-Event-ID the stream continues after the events already sent; 204 if no more will come.
 */
export const taskEvents: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  if ((await getState(context.reads, id, context.visibility)) === null) throw taskNotFound(id);
  const { last_event_id } = parseQuery(querySchema, request);
  const last = request.get('last-event-id') ?? last_event_id;
  const position = last === undefined ? NOTHING_SENT : sentUpTo(last);
  const { feed, readEvents } = context.streams;
  const readOn = readEvents(id);
  if (position.isEnd && (await isOver(readOn, position))) {
    response.status(204).end();
    return;
  }
  const stream = context.openStream();
  await follow({ feed, taskId: id, stream, position, readOn, log: request.log });
};
