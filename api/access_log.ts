import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request } from 'express';
import type { Options } from 'pino-http';
import { shownError } from '../process/shown_error.ts';
import { traceIdOf } from '../process/tracing.ts';
import { principalOf } from './auth/identify.ts';
import type { OpenApiDocument } from './openapi/document.ts';
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
    customAttributeKeys: { reqId: 'request_id', responseTime: 'duration_ms' },
    quietReqLogger: true,
    serializers: {
      req: ({ method, url = '' }: IncomingMessage) => ({ method, url: shownUrl(url, parameters) }),
      res: (response: ServerResponse) => ({ status: response.statusCode }),
      err: ({ raw }: { raw: unknown }) => shownError(raw),
    },
    customSuccessObject: (request, _response, line: object) => ({ ...line, ...whoAsked(request as Request) }),
    // Its error says just that the status is what it is; the real one has a line of its own.
    customErrorObject: (request, _response, _error, { err: _err, ...line }: Record<string, unknown>) => ({
      ...line,
      ...whoAsked(request as Request),
    }),
    autoLogging: { ignore: ({ url = '' }: IncomingMessage) => isProbe(url.split('?')[0] ?? '') },
  };
}

function whoAsked(request: Request): { actor: string; trace_id?: string } {
  const { actor } = principalOf(request);
  const traceId = traceIdOf(traceparent(request));
  return traceId === null ? { actor } : { actor, trace_id: traceId };
}

function queryParameters(document: OpenApiDocument): ReadonlySet<string> {
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  const parameters = operations.flatMap((operation) => operation.parameters ?? []);
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
