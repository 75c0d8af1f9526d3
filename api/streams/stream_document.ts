import type { JsonSchema } from '../../core/schema.ts';
import type { Answer } from '../openapi/schemas/document.ts';
import type { Parameter } from '../openapi/schemas/parameters.ts';

/** The parameters for continuing a stream. A browser sends the header itself when it reconnects. */
export function lastEventId(pattern: RegExp, maxLength: number): Parameter[] {
  const schema: JsonSchema = {
    type: 'string',
    maxLength,
    pattern: pattern.source.replaceAll(/\?<\w+>/g, ''),
  };
  const description = 'The `id` of the last received event. The stream continues after it';
  return [
    { name: 'Last-Event-ID', in: 'header', description, schema },
    {
      name: 'last_event_id',
      in: 'query',
      description: `${description}. The header takes precedence`,
      schema,
    },
  ];
}

/** The content of an answer with a stream of events. */
export const events = (example: string): NonNullable<Answer['content']> => ({
  'text/event-stream': { schema: { type: 'string' }, example },
});

/** The answer to a client that reconnects after the end. */
export const allSent: Answer = {
  description: 'Last-Event-ID is the id of `end`: no more events will come',
};
