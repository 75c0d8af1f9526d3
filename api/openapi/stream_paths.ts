import type { JsonSchema } from '../../core/schema.ts';
import { STATES } from '../../core/states.ts';
import { EVENT_ID } from '../streams/events.ts';
import { failures } from './answers.ts';
import type { Answer, Paths } from './document.ts';
import { idParameter, linesParameters, type Parameter } from './parameters.ts';
import { object, ref } from './schemas.ts';

const text: JsonSchema = { type: 'string' };

/** The component schemas of streams. */
export const streamSchemas: Record<string, JsonSchema> = {
  LogLine: object('A line that a handler logged', {
    seq: { type: 'integer', minimum: 1, description: 'Its number among the lines of the task: 1, 2, 3 …' },
    attempt: { type: 'integer', minimum: 1 },
    level: text,
    message: text,
    fields: {
      type: ['object', 'null'],
      additionalProperties: true,
      description: 'What was logged beside the message',
    },
    at: { type: 'string', format: 'date-time' },
  }),
  LogPage: object('Lines of a task', {
    items: { type: 'array', items: ref('LogLine') },
    next_after: { type: 'integer', minimum: 0, description: 'The `after` of the next page' },
    has_more: { type: 'boolean', description: 'Whether there were more lines when this was read' },
    state: {
      type: 'string',
      enum: [...STATES],
      description: 'Of the task. When it is a last one and `has_more` is false, no more lines will come',
    },
  }),
};

/** Where a stream goes on: what a browser sends by itself when it comes back. */
const lastEventId = (pattern: RegExp, maxLength: number): Parameter => ({
  name: 'Last-Event-ID',
  in: 'header',
  description: 'The `id` of the last event that was received: the stream goes on after it',
  schema: { type: 'string', maxLength, pattern: pattern.source.replaceAll(/\?<\w+>/g, '') },
});

const events = (example: string): NonNullable<Answer['content']> => ({
  'text/event-stream': { schema: text, example },
});

/** The paths of streams of one task. */
export function streamPaths(): Paths {
  const tags = ['tasks'];
  return {
    '/v1/tasks/{id}/logs': {
      get: {
        tags,
        operationId: 'taskLogs',
        summary: 'Read the log lines of a task, or follow them',
        description:
          'With `Accept: text/event-stream` the lines come as Server-Sent Events while they are logged: `line` with the number of the line as `id`, and at last `end` with the final state. The server may close the stream at any time; go on with Last-Event-ID.',
        parameters: [idParameter, ...linesParameters, lastEventId(/^\d{1,9}$/, 9)],
        responses: {
          200: {
            description: 'A page of lines, or all of them as events',
            content: {
              'application/json': { schema: ref('LogPage') },
              ...events('id: 1\nevent: line\ndata: {"seq":1,"attempt":1,"level":"info","message":"…"}\n\n'),
            },
          },
          ...failures(400, 404),
        },
      },
    },
    '/v1/tasks/{id}/events': {
      get: {
        tags,
        operationId: 'taskEvents',
        summary: 'Follow what becomes of a task',
        description:
          'Server-Sent Events: `attempt` for each attempt that ended without success, `state` with the state and progress of the task whenever they change, and at last `end` with the final state. Who comes back with Last-Event-ID hears of every such attempt, and of the latest state.',
        parameters: [idParameter, lastEventId(EVENT_ID, 26)],
        responses: {
          200: {
            description: 'The events',
            content: events(
              'id: 1-…\nevent: state\ndata: {"state":"running","attempt":1,"progress":0.5}\n\n',
            ),
          },
          ...failures(400, 404),
        },
      },
    },
  };
}
