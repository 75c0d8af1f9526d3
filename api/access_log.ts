import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, Response } from 'express';
import type { Options } from 'pino-http';
import { shownError } from '../process/shown_error.ts';
import { traceIdOf } from '../process/tracing.ts';
import { principalOf } from './auth/identify.ts';
import { type OpenApiDocument, operationsOf, parametersOf } from './openapi/document.ts';
import { traceparent } from './request.ts';
import { isProbe } from './state.ts';

/** Stands for what is not shown. */
const HIDDEN = '[redacted]';

/**
 * One line per request: who asked for what, what was answered, how long it took. Probes are not worth one. Headers and bodies
 * are never in it, nor in what is logged about a request, and of the query only the parameters that the document has: what else
 * somebody puts there may be a secret.
 */
export function accessLog(document: OpenApiDocument): Options {
  const parameters = queryParameters(document);
  return {
    // One logger for each request, which has its id; the library would make two, of which one shows the request.
    customAttributeKeys: { req: 'request_id', responseTime: 'duration_ms' },
    wrapSerializers: false,
    serializers: {
      request_id: ({ id }: IncomingMessage) => id,
      res: (response: ServerResponse) => ({ status: response.statusCode }),
      err: shownError,
    },
    customSuccessObject: (request, response, line: object) => ({
      ...whatWasAsked(request as Request, response as Response, parameters),
      ...line,
    }),
    // Its error says just that the status is what it is; the real one has a line of its own.
    customErrorObject: (request, response, _error, { err: _err, ...line }: Record<string, unknown>) => ({
      ...whatWasAsked(request as Request, response as Response, parameters),
      ...line,
    }),
    autoLogging: { ignore: ({ url = '' }: IncomingMessage) => isProbe(url.split('?')[0] ?? '') },
  };
}

function whatWasAsked(request: Request, response: Response, parameters: ReadonlySet<string>): object {
  const method = response.locals?.isHead ? 'HEAD' : request.method;
  return { req: { method, url: shownUrl(request.originalUrl, parameters) }, ...whoAsked(request) };
}

function whoAsked(request: Request): { actor: string; trace_id?: string } {
  const { actor } = principalOf(request);
  const traceId = traceIdOf(traceparent(request));
  return traceId === null ? { actor } : { actor, trace_id: traceId };
}

function queryParameters(document: OpenApiDocument): ReadonlySet<string> {
  const parameters = operationsOf(document).flatMap((operation) => parametersOf(document, operation));
  return new Set(parameters.filter((one) => one.in === 'query').map(({ name }) => name));
}

/** A URL without credentials, and with the parameters that are known. */
function shownUrl(url: string, parameters: ReadonlySet<string>): string {
  // A proxy's form of it, `http://user:password@host/path`, is HTTP, too.
  const [path = '', ...query] = url.replace(/^[a-z]+:\/\/[^/?]*/i, '').split('?');
  if (query.length === 0) return path;
  const all = query.join('?').split('&');
  const known = all.filter((one) => parameters.has(one.split('=', 1)[0] ?? ''));
  return `${path}?${[...known, ...(known.length < all.length ? [HIDDEN] : [])].join('&')}`;
}
