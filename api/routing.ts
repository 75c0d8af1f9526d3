import type { Request, RequestHandler } from 'express';
import { authorise } from './auth/identify.ts';
import { type Api, answerWith } from './call.ts';
import { PAGES, ROUTES, type Route } from './operations.ts';

/** Where a request goes: to an operation, if there is one; and the path as a template, whatever the method. */
type Destination = { route: Route | null; template: string | null; params: () => Record<string, string> };

type Pattern = { method: string; path: string; pattern: RegExp; route: Route | null };

const PATTERNS: readonly Pattern[] = [
  ...ROUTES.map((route) => toPattern(route, route)),
  ...PAGES.map((page) => toPattern(page, null)),
];

const destinations = new WeakMap<Request, Destination>();

/**
 * Finds where a request goes, as Express would: to the first route of its method that fits. It is found once for metrics,
 * policies and operations; a layer of Express for each of them and each route was a tenth of a submission (issue 7).
 */
export function destinationOf(request: Request): Destination {
  let destination = destinations.get(request);
  if (destination === undefined) {
    destination = find(request.method === 'HEAD' ? 'get' : request.method.toLowerCase(), request.path);
    destinations.set(request, destination);
  }
  return destination;
}

function find(method: string, path: string): Destination {
  const fits = ({ pattern }: Pattern): boolean => pattern.test(path);
  const exact = PATTERNS.find((one) => one.method === method && fits(one));
  return {
    route: exact?.route ?? null,
    template: (exact ?? PATTERNS.find(fits))?.path ?? null,
    params: () => decoded(exact?.pattern.exec(path)?.groups ?? {}),
  };
}

function decoded(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]));
}

function toPattern({ method, path }: { method: string; path: string }, route: Route | null): Pattern {
  const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`, 'i');
  return { method, path, pattern, route };
}

/** Lets a request through whose caller may do what it asks for, as the policy of its operation says. */
export function authoriseOperation(openReads: boolean): RequestHandler {
  return (request, _response, next) => {
    const { route } = destinationOf(request);
    if (route !== null) authorise(request, route.policy, openReads);
    next();
  };
}

/** Has each request answered by its operation. */
export function operate(api: Api): RequestHandler {
  const handlers = new Map(ROUTES.map((route) => [route, answerWith(api, route.operation)]));
  return (request, response, next) => {
    const { route, params } = destinationOf(request);
    const handler = route === null ? undefined : handlers.get(route);
    if (handler === undefined) return next();
    request.params = params();
    return handler(request, response, next);
  };
}
