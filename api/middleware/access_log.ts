import type { IncomingMessage } from 'node:http';
import type { Express, Request, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { assignRequestId } from '../../process/request_id.ts';
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

declare module 'http' {
  interface IncomingMessage {
    /** The id of the request in every answer, log line and task. */
    id: unknown;
    /** The log whose lines have the id of the request. */
    log: Logger;
  }
}

/**
 * Makes middleware that gives each request its id and its log, and logs one line when it ends: caller, method,
 * URL, status, duration. Probes are not logged. Headers and bodies never appear in the log. Of the query, only
 * parameters of the OpenAPI document appear, except tickets: other parameters may be secrets.
 *
 * Nearly all requests log this line and nothing else, so their own log is made when it is first used, and nothing is
 * computed for a line that the level leaves out (issue 21).
 */
export function accessLog(app: Express, base: Logger, document: OpenApiDocument): RequestHandler {
  const parameters = queryParameters(document);
  // The log of an application around this one may have its own for requests.
  const lines = base.child({}, { serializers: { err: shownError, req: asGiven, res: asGiven } });
  giveLog(app, lines);
  return (request, response, next) => {
    const id = assignRequestId(request, response);
    request.id = id;
    const startedAt = Date.now();
    const isLogged = !isProbe(request.path);
    let failure: Error | undefined;
    // Without a listener, the error of an answer would end the process.
    response.on('error', (error) => {
      failure ??= error;
    });
    response.on('close', () => {
      const level = levelOf(response, failure);
      if ((!isLogged && failure === undefined) || level === null || !lines.isLevelEnabled(level)) return;
      lines[level](
        {
          request_id: id,
          ...requestFields(request, response, parameters),
          res: { status: response.statusCode },
          duration_ms: Date.now() - startedAt,
        },
        messageOf(request, response, level),
      );
    });
    next();
  };
}

const asGiven = (fields: unknown): unknown => fields;

/** Gives the requests of an application their log. */
function giveLog(app: Express, lines: Logger): void {
  const logs = new WeakMap<IncomingMessage, Logger>();
  Object.defineProperty(app.request, 'log', {
    get(this: IncomingMessage) {
      const log = logs.get(this) ?? lines.child({ request_id: this.id });
      logs.set(this, log);
      return log;
    },
  });
}

/** Null: a WebSocket has its lines in the log already. */
function levelOf({ statusCode }: Response, failure: Error | undefined): 'error' | 'info' | null {
  if (statusCode === SWITCHED) return null;
  return failure !== undefined || statusCode >= 500 ? 'error' : 'info';
}

function messageOf(request: Request, response: Response, level: 'error' | 'info'): string {
  if (level === 'error') return 'request errored';
  return !request.readableAborted && response.writableEnded ? 'request completed' : 'request aborted';
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
