import { Socket } from 'node:net';
import cors from 'cors';
import type { Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import type { Config } from '../config/schema.ts';
import { IncomingMessage, ServerResponse } from './node_http.ts';

/**
 * The headers of every answer of a process: not to be cached, those against attacks on browsers, and those for the
 * pages of CORS_ORIGINS. `exposed` are headers that such pages may read, besides X-Request-Id.
 */
export function answerHeaders(
  { CORS_ORIGINS }: Pick<Config, 'CORS_ORIGINS'>,
  { methods, allowed, exposed }: { methods: string[]; allowed: string[]; exposed: string[] },
): RequestHandler {
  const always = headersBy(
    noStore,
    // TLS ends at a proxy, if anywhere. If browsers were asked for https, pages would break on a plain host.
    helmet({
      strictTransportSecurity: false,
      contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
    }),
  );
  const ofPages = cors({
    origin: CORS_ORIGINS,
    methods,
    allowedHeaders: ['X-Request-Id', ...allowed],
    exposedHeaders: ['X-Request-Id', ...exposed],
    credentials: true,
    maxAge: 3_600,
  });
  const withoutOrigin = [...always, ...headersBy(ofPages)];
  return (request, response, next) => {
    const isOfPage = request.headers.origin !== undefined || request.method === 'OPTIONS';
    for (const [name, value] of isOfPage ? always : withoutOrigin) response.setHeader(name, value);
    if (isOfPage) ofPages(request, response, next);
    else next();
  };
}

type Headers = readonly (readonly [name: string, value: string])[];

/**
 * The headers that these handlers set on an answer to a request without headers. They set the same ones for each such
 * request, so they run once (issue 21).
 */
function headersBy(...handlers: RequestHandler[]): Headers {
  const request = Object.assign(new IncomingMessage(new Socket()), { method: 'GET' });
  const response = new ServerResponse(request);
  for (const handler of handlers) handler(request as Request, response as Response, () => {});
  return Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]);
}

/**
 * Answers about tasks are private to their caller and soon out of date. A handler whose answer may be cached
 * overrides this.
 */
const noStore: RequestHandler = (_request, response, next) => {
  response.setHeader('Cache-Control', 'no-store');
  next();
};
