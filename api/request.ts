import type { Request, Response } from 'express';
import type { z } from 'zod';
import { ErrandError } from '../core/errors.ts';
import { detail, got } from '../core/json/json.ts';

/** W3C Trace Context, version 00. */
const TRACEPARENT_PATTERN = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The id of a request, assigned by the logging middleware. */
export function requestId(request: Request): string {
  return String(request.id);
}

/** The caller's trace context, or null if it is missing or malformed. */
export function traceparent(request: Request): string | null {
  const given = request.get('traceparent');
  return given !== undefined && TRACEPARENT_PATTERN.test(given) ? given : null;
}

/**
 * The typed query of a request. The validator has already checked it against the document and converted texts
 * to numbers. A value that passes the validator but does not fit (1e400 becomes Infinity) throws
 * VALIDATION_FAILED.
 */
export function parseQuery<S extends z.ZodType>(schema: S, request: Request): z.output<S> {
  const parsed = schema.safeParse(request.query);
  if (parsed.success) return parsed.data;
  throw new ErrandError('VALIDATION_FAILED', 'The request is not valid', {
    details: parsed.error.issues.map(({ path, message }) => detail(`/query/${path.join('/')}`, message)),
  });
}

/**
 * A time from a request as ISO 8601 in UTC. The validator has checked its form. A time that Date, Postgres or
 * UUIDs cannot represent (a leap second, a year before 1970 or after 9999) throws VALIDATION_FAILED.
 */
export function toIsoTime(text: string, path: string): string {
  const time = new Date(text);
  const year = time.getUTCFullYear();
  if (year >= 1970 && year <= 9999) return time.toISOString();
  throw new ErrandError('VALIDATION_FAILED', 'The request contains a time that cannot be used', {
    details: [{ path, message: `must be a time from 1970 to 9999 such as 2026-01-31T12:00:00Z${got(text)}` }],
  });
}

/**
 * One error for all requests: creating an error with its stack for each request would cost more than the rest
 * of this.
 */
const CLOSED = new Error('The connection was closed, or the answer is complete');

/**
 * Whether the caller has disconnected or has its complete answer. `signal` is aborted then. It is created on
 * first use, because most requests need none.
 */
export type Gone = { isSo(): boolean; signal(): AbortSignal };

/** Watches the caller of a request through its response. */
export function callerGone(response: Response): Gone {
  let controller: AbortController | undefined;
  function made(): AbortController {
    const fresh = new AbortController();
    if (response.closed) fresh.abort(CLOSED);
    else response.once('close', () => fresh.abort(CLOSED));
    return fresh;
  }
  return {
    isSo: () => response.closed,
    signal() {
      controller ??= made();
      return controller.signal;
    },
  };
}
