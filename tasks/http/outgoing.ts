import type { SchemaOutput } from '../../core/schema.ts';
import type { TaskContext } from '../../core/task.ts';
import type { httpRequest } from '../http.request.task.ts';
import { type HttpSecrets, resolvedSecrets } from './secret_headers.ts';

export type RequestPayload = SchemaOutput<typeof httpRequest.payload>;

export type Outgoing = {
  url: URL;
  method: NonNullable<RequestPayload['method']>;
  headers: Record<string, string>;
  body: string | null;
  /** The headers, by lower-case name, whose values are secrets of the configuration. */
  referred: readonly string[];
};

/**
 * Makes the request that a payload asks for, with headers that identify Errand and the task. Throws
 * PermanentError if a secret does not exist or is not for this target.
 */
export function outgoingRequest(
  payload: RequestPayload,
  context: TaskContext,
  secrets: HttpSecrets,
): Outgoing {
  const url = new URL(payload.url);
  const referred = resolvedSecrets(payload.secret_headers ?? {}, url, secrets);
  const body = payload.json === undefined ? (payload.body ?? null) : JSON.stringify(payload.json);
  const given = Object.entries(payload.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    url,
    method: payload.method ?? (body === null ? 'GET' : 'POST'),
    headers: {
      'user-agent': 'errand',
      // The same in each attempt, so that the target can distinguish a retry from a second task.
      'idempotency-key': context.id,
      ...(context.traceparent === null ? {} : { traceparent: context.traceparent }),
      ...contentType(payload),
      ...Object.fromEntries(given),
      ...referred,
      'x-errand-task-id': context.id,
      'x-errand-attempt': String(context.attempt),
    },
    body,
    referred: Object.keys(referred),
  };
}

function contentType(payload: RequestPayload): Record<string, string> {
  if (payload.json !== undefined) return { 'content-type': 'application/json' };
  return payload.body === undefined ? {} : { 'content-type': 'text/plain; charset=utf-8' };
}
