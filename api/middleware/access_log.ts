import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { Options } from 'pino-http';
import { shownError } from '../../process/shown_error.ts';
import { traceIdOf } from '../../process/tracing.ts';
import { principalOf } from '../auth/identify.ts';
import { isProbe } from '../capacity/state.ts';
import { type OpenApiDocument, operationsOf, parametersOf } from '../openapi/schemas/document.ts';
import { traceparent } from '../request.ts';

/** The status of a request that has become a WebSocket. */
const SWITCHED = 101;

/** Replaces hidden values. */
const HIDDEN = '[redacted]';

/**
 * One log line per request: caller, method, URL, status, duration. Probes are not logged. Headers and bodies
 * never appear in the log. Of the query, only parameters of the OpenAPI document appear, except tickets:
 * other parameters may be secrets.
 */
export function accessLog(document: OpenApiDocument): Options {
  const parameters = queryParameters(document);
  return {
    // One logger per request, with the request id. The library would create two, one of which shows the
    // request.
    customAttributeKeys: { req: 'request_id', responseTime: 'duration_ms' },
    wrapSerializers: false,
    // A WebSocket has its lines in the log already.
    customLogLevel: (_request, { statusCode }, error) =>
      statusCode === SWITCHED ? 'silent' : error !== undefined || statusCode >= 500 ? 'error' : 'info',
    serializers: {
      request_id: ({ id }: IncomingMessage) => id,
      res: (response: ServerResponse) => ({ status: response.statusCode }),
      err: shownError,
    },
    customSuccessObject: (request, response, line: object) => ({
      ...requestFields(request as Request, response as Response, parameters),
      ...line,
    }),
    // The error of this line only repeats the status. The real error has its own log line.
    customErrorObject: (request, response, _error, { err: _err, ...line }: Record<string, unknown>) => ({
      ...requestFields(request as Request, response as Response, parameters),
      ...line,
    }),
    autoLogging: { ignore: ({ url = '' }: IncomingMessage) => isProbe(url.split('?')[0] ?? '') },
  };
}

function requestFields(request: Request, response: Response, parameters: ReadonlySet<string>): object {
  const method = response.locals?.isHead ? 'HEAD' : request.method;
  return { req: { method, url: shownUrl(request.originalUrl, parameters) }, ...callerFields(request) };
}

function callerFields(request: Request): { actor: string; trace_id?: string } {
  const { actor } = principalOf(request);
  const traceId = traceIdOf(traceparent(request));
  return traceId === null ? { actor } : { actor, trace_id: traceId };
}

function queryParameters(document: OpenApiDocument): ReadonlySet<string> {
  const parameters = operationsOf(document).flatMap((operation) => parametersOf(document, operation));
  const shown = parameters.filter((one) => one.in === 'query' && one.name !== 'ticket');
  return new Set(shown.map(({ name }) => name));
}

/** A URL without credentials, and with known parameters only. */
function shownUrl(url: string, parameters: ReadonlySet<string>): string {
  // The absolute form, `http://user:password@host/path`, which proxies use, is valid HTTP too.
  const [path = '', ...query] = url.replace(/^[a-z]+:\/\/[^/?]*/i, '').split('?');
  if (query.length === 0) return path;
  const all = query.join('?').split('&');
  const known = all.filter((one) => parameters.has(one.split('=', 1)[0] ?? ''));
  return `${path}?${[...known, ...(known.length < all.length ? [HIDDEN] : [])].join('&')}`;
}
