import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

const PATTERN = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** The caller's X-Request-Id if it is well-formed, otherwise a new one. The answer carries it (A4). */
export function assignRequestId(request: IncomingMessage, response: ServerResponse): string {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && PATTERN.test(given) ? given : randomUUID();
  response.setHeader('X-Request-Id', id);
  return id;
}
