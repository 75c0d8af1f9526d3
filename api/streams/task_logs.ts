import type { Request, Response } from 'express';
import { z } from 'zod';
import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { readLines } from '../../store/tasks/logs.ts';
import type { Operation, RequestContext } from '../context.ts';
import { failures } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import { idParameter, inQuery, type Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { parseQuery } from '../request.ts';
import { taskNotFound } from '../tasks/get_task.ts';
import { wantsStream } from './feed/come_back.ts';
import { follow, isOver } from './feed/follow.ts';
import { LINE_ID, linesUpTo } from './feed/lines.ts';
import { ticketParameter } from './issue_ticket.ts';
import { allSent, events, lastEventId } from './stream_document.ts';

const text: JsonSchema = { type: 'string' };

/** The component schemas of log lines. */
export const logSchemas: Record<string, JsonSchema> = {
  LogLine: object('A line that a handler logged', {
    seq: { type: 'integer', minimum: 1, description: 'The number of the line within the task: 1, 2, 3 …' },
    attempt: { type: 'integer', minimum: 1 },
    level: text,
    message: text,
    fields: {
      type: ['object', 'null'],
      additionalProperties: true,
      description: 'The fields that were logged with the message',
    },
    at: { type: 'string', format: 'date-time' },
  }),
  LogPage: object('A page of log lines of a task', {
    items: { type: 'array', items: ref('LogLine') },
    next_after: { type: 'integer', minimum: 0, description: 'The value of `after` for the next page' },
    has_more: { type: 'boolean', description: 'Whether more lines existed when this page was read' },
    state: {
      type: 'string',
      enum: [...STATES],
      description: 'The state of the task. If it is final and `has_more` is false, no more lines will come',
    },
  }),
};

const linesParameters: Parameter[] = [
  inQuery(
    'after',
    { type: 'integer', minimum: 0, maximum: 999_999_999, default: 0 },
    'Only lines after this number',
  ),
  inQuery(
    'page_size',
    { type: 'integer', minimum: 1, maximum: 1_000, default: 100 },
    'The maximum number of lines per page',
  ),
];

/** The operation in the OpenAPI document. */
export function taskLogsPaths(): Paths {
  return {
    '/v1/tasks/{id}/logs': {
      get: {
        tags: ['tasks'],
        operationId: 'taskLogs',
        summary: 'Read the log lines of a task, or follow them',
        description:
          'With `Accept: text/event-stream` the lines are sent as Server-Sent Events as they are logged: `line` with the number of the line as `id`, and at last `end` with the final state. The server may close the stream at any time. An empty stream replaces 408, 429 and 503. Reconnect after `retry` with Last-Event-ID.',
        parameters: [idParameter, ...linesParameters, ...lastEventId(LINE_ID, 13), ticketParameter],
        responses: {
          200: {
            description: 'A page of lines, or all lines as events',
            content: {
              'application/json': { schema: ref('LogPage') },
              ...events('id: 1\nevent: line\ndata: {"seq":1,"attempt":1,"level":"info","message":"…"}\n\n'),
            },
          },
          204: allSent,
          ...failures(400, 404),
        },
      },
    },
  };
}

const querySchema = z.object({
  after: z.number().default(0),
  page_size: z.number(),
  last_event_id: z.string().optional(),
});

/**
 * `GET /v1/tasks/{id}/logs` (specification L1): a page of lines; or, with `Accept: text/event-stream`, all
 * lines as they are logged, until the task has finished. Last-Event-ID takes precedence over `after`; 204 if
 * no more lines will come.
 */
export const taskLogs: Operation = async (context, request, response) => {
  const id = String(request.params.id);
  const { after, page_size: limit, last_event_id } = parseQuery(querySchema, request);
  const isStream = wantsStream(request);
  const found = await readLines(
    context.reads,
    id,
    { after, limit: isStream ? 0 : limit },
    context.visibility,
  );
  if (found === null) throw taskNotFound(id);
  if (isStream) return followLines(context, request, response, last_event_id || String(after));
  const { state, lines, hasMore } = found;
  response.json({ items: lines, next_after: lines.at(-1)?.seq ?? after, has_more: hasMore, state });
};

async function followLines(
  context: RequestContext,
  request: Request,
  response: Response,
  last: string,
): Promise<void> {
  const id = String(request.params.id);
  const { position, isEnd } = linesUpTo(request.get('last-event-id') || last);
  const { feed, readLines: readerOf } = context.streams;
  const readOn = readerOf(id);
  if (isEnd && (await isOver(readOn, position))) {
    response.status(204).end();
    return;
  }
  const stream = context.openStream();
  await follow({ feed, taskId: id, stream, position, readOn, log: request.log });
}
