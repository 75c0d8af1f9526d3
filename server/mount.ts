import type { IncomingMessage, ServerResponse } from 'node:http';
import { giveBody } from '../api/middleware/given_body.ts';
import { bodyOfHost } from './host_body.ts';

/** A handler of Node's HTTP server, of Express or of anything that takes middleware of Express. */
export type Router = (
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** What another application may have added to a request. */
type HostRequest = IncomingMessage & { originalUrl?: unknown; baseUrl?: unknown };

/** What that application sets on a request and on a response, and what Errand's would otherwise read. */
const OF_REQUEST = [
  ...['id', 'log', 'allLogs', 'query', 'body', 'params', 'route', 'openapi'],
  // @fastify/express computes them by its own rule. That of TRUST_PROXY holds here.
  ...['ip', 'ips', 'hostname'],
];
const OF_RESPONSE = ['log', 'allLogs', 'locals', 'send', 'json', 'headersSent'];

/**
 * Passes a request of another application to Errand's, as if nobody had handled it before: with its URL below
 * the path of the mount, and without what that application has added. When the answer is complete, or Errand
 * passes the request on, the other application finds its own values again, for example for its log.
 */
export function mount(app: Router): Router {
  return (request, response, next) => {
    giveBody(request, bodyOfHost(request));
    const [url, base] = below(request);
    const prototypes = [Object.getPrototypeOf(request), Object.getPrototypeOf(response)];
    const restoreRequest = setAside(request, OF_REQUEST, { url, method: request.method, baseUrl: base });
    const restoreResponse = setAside(response, OF_RESPONSE, {});
    const restore = (): void => {
      restoreRequest();
      restoreResponse();
    };
    // Before the listeners of the other application.
    response.prependOnceListener('finish', restore);
    response.prependOnceListener('close', restore);
    if (next === undefined) return app(request, response);
    app(request, response, (error) => {
      restore();
      Object.setPrototypeOf(request, prototypes[0]);
      Object.setPrototypeOf(response, prototypes[1]);
      next(error);
    });
  };
}

/**
 * The URL of a request below the path of the mount, and that path. Express names the path. Others (connect,
 * @fastify/middie) only shorten the URL. Both keep the original one, from which the result is taken: that of
 * @fastify/express is decoded, and would be decoded again.
 */
function below({ url = '/', originalUrl, baseUrl }: HostRequest): [url: string, base: string] {
  const original = typeof originalUrl === 'string' ? originalUrl : url;
  const base = typeof baseUrl === 'string' ? baseUrl : original.slice(0, original.lastIndexOf(url));
  const rest = original.startsWith(base) ? original.slice(base.length) : url;
  return [rest.startsWith('/') ? rest : `/${rest}`, base];
}

/**
 * Removes these properties from an object and sets others. Gives the function that brings back those that it
 * had. A property that only Errand has set stays: its code may still read it.
 */
function setAside(
  object: object,
  removed: readonly string[],
  set: Readonly<Record<string, unknown>>,
): () => void {
  const before = [...removed, ...Object.keys(set)].flatMap((name) => {
    const descriptor = Object.getOwnPropertyDescriptor(object, name);
    return descriptor?.configurable ? [[name, descriptor] as const] : [];
  });
  for (const name of removed) Reflect.deleteProperty(object, name);
  Object.assign(object, set);
  return () => {
    for (const [name, descriptor] of before) Object.defineProperty(object, name, descriptor);
  };
}
