import type { Request, Response } from 'express';
import { type ErrandError, STATUS_BY_CODE } from '../../../core/errors.ts';
import { STREAM_HEADERS, STREAM_TIMING } from './event_stream.ts';

/** Errors with these statuses are temporary. */
const FOR_A_WHILE: ReadonlySet<number> = new Set([408, 429, 503]);

/** Whether a request asks for Server-Sent Events rather than JSON. */
export function wantsStream(request: Request): boolean {
  return request.accepts(['application/json', 'text/event-stream']) === 'text/event-stream';
}

/**
 * Answers a temporary error with an empty stream, so that a reader of Server-Sent Events reconnects. After
 * any status but 200 an EventSource gives up for good (HTML standard, 9.2.2). After the end of a stream it
 * reconnects, `retry` later. The comment in the stream names the error; it also shows Errand's client that no
 * proxy buffers the stream. False if the error must be answered normally.
 */
export function askedToComeBack(error: ErrandError, request: Request, response: Response): boolean {
  if (request.method !== 'GET' || !FOR_A_WHILE.has(STATUS_BY_CODE[error.code]) || !wantsStream(request))
    return false;
  const afterSecs = Number(response.getHeader('Retry-After') ?? 0);
  const retryMs = Math.max(STREAM_TIMING.retryMs, afterSecs * 1_000);
  response.writeHead(200, STREAM_HEADERS);
  response.end(`: ${error.code}: ${error.message.replaceAll(/\s+/g, ' ')}\nretry: ${retryMs}\n\n`);
  return true;
}
