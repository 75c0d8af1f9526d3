import { z } from 'zod';
import { checker } from '../../core/definitions/check.ts';
import { ErrandError } from '../../core/errors.ts';
import type { JsonSchema } from '../../core/schema.ts';
import { namespaceOf } from '../../core/task.ts';
import { getName } from '../../store/tasks/tasks.ts';
import { MAX_TICKET_LENGTH } from '../auth/tickets.ts';
import type { Operation } from '../context.ts';
import { failures, jsonAnswer, jsonBody } from '../openapi/schemas/answers.ts';
import type { Paths } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';
import { object, ref } from '../openapi/schemas/schemas.ts';
import { taskNotFound } from '../tasks/get_task.ts';

/** Matches the path of a task's stream. */
const STREAM_PATH = /^\/v1\/tasks\/([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\/(?:logs|events)$/;

/** The body of the operation that issues a ticket. */
const ticketSchema: JsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['path'],
  properties: {
    path: {
      type: 'string',
      maxLength: 100,
      pattern: STREAM_PATH.source,
      description:
        'The path of the stream, without a query: `/v1/tasks/{id}/logs` or `/v1/tasks/{id}/events`',
    },
  },
};

/** The component schemas of tickets. */
export const ticketSchemas: Record<string, JsonSchema> = {
  StreamTicket: object('A ticket, which replaces credentials in the URL of a stream', {
    ticket: {
      type: 'string',
      maxLength: MAX_TICKET_LENGTH,
      description: 'The value for `?ticket=` of that path',
    },
    expires_at: {
      type: 'string',
      format: 'date-time',
      description: 'The ticket opens no stream after this time. An open stream continues',
    },
  }),
};

/** Identifies the reader of a stream if it cannot send headers. */
export const ticketParameter: Parameter = {
  name: 'ticket',
  in: 'query',
  description: 'Instead of other credentials: see POST /v1/stream-tickets',
  schema: { type: 'string', minLength: 1, maxLength: MAX_TICKET_LENGTH },
};

/** The path of tickets for streams. */
export function ticketPaths(): Paths {
  return {
    '/v1/stream-tickets': {
      post: {
        tags: ['tasks'],
        operationId: 'issueStreamTicket',
        summary: 'Get a ticket for a stream',
        description:
          'For an EventSource, which cannot send headers: it opens `path?ticket=…`. A ticket is valid for one minute and for this path, and only for reading. It may be used again meanwhile, as an EventSource does when it reconnects. After that the answer is 401, and an EventSource closes. The page then gets a new ticket and continues with `last_event_id`.',
        requestBody: jsonBody(ticketSchema, {
          path: '/v1/tasks/01980000-0000-7000-8000-000000000000/events',
        }),
        responses: { 200: jsonAnswer('The ticket', ref('StreamTicket')), ...failures(404) },
      },
    },
  };
}

const check = checker(ticketSchema);
const bodySchema = z.object({ path: z.string() });

/**
 * `POST /v1/stream-tickets`: issues a ticket that lets the caller read one stream for a minute. The ticket
 * names only the namespace of the task, so it is short even if its caller has many namespaces.
 */
export const issueTicket: Operation = async (context, request, response) => {
  const details = check(request.body, '/body');
  if (details.length > 0) throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', { details });
  const { path } = bodySchema.parse(request.body);
  const id = STREAM_PATH.exec(path)?.[1] ?? '';
  const name = await getName(context.reads, id, context.visibility);
  if (name === null) throw taskNotFound(id);
  const { principal } = context;
  const namespaces = principal.namespaces?.filter((one) => one === namespaceOf(name)) ?? null;
  const { ticket, expiresAt } = await context.tickets.issue({ ...principal, namespaces }, path);
  response.json({ ticket, expires_at: expiresAt.toISOString() });
};
