import type { SchemaOutput } from '../../core/schema.ts';
import type { TaskContext } from '../../core/task.ts';
import type { httpRequest } from '../http.request.task.ts';

export type RequestPayload = SchemaOutput<typeof httpRequest.payload>;

export type Outgoing = {
  url: URL;
  method: NonNullable<RequestPayload['method']>;
  headers: Record<string, string>;
  body: string | null;
};

/** The request that a payload asks for, with the headers by which the target knows Errand and the task. */
export function outgoingRequest(payload: RequestPayload, context: TaskContext): Outgoing {
  const body = payload.json === undefined ? (payload.body ?? null) : JSON.stringify(payload.json);
  const given = Object.entries(payload.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    url: new URL(payload.url),
    method: payload.method ?? (body === null ? 'GET' : 'POST'),
    headers: {
      'user-agent': 'errand',
      // The same in each attempt, so that the target can tell a retry from a second task.
      'idempotency-key': context.id,
      ...(context.traceparent === null ? {} : { traceparent: context.traceparent }),
      ...contentType(payload),
      ...Object.fromEntries(given),
      'x-errand-task-id': context.id,
      'x-errand-attempt': String(context.attempt),
    },
    body,
  };
}

function contentType(payload: RequestPayload): Record<string, string> {
  if (payload.json !== undefined) return { 'content-type': 'application/json' };
  return payload.body === undefined ? {} : { 'content-type': 'text/plain; charset=utf-8' };
}
