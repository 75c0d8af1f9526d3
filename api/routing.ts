import type { Request, RequestHandler } from 'express';
import { authorise } from './auth/identify.ts';
import { type Api, answerWith } from './call.ts';
import { PAGES, ROUTES, type Route } from './operations.ts';

/** Where a request goes, if there is anything; and the path as a template, whatever the method. */
type Destination = {
  place: Place | null;
  template: string | null;
  params: () => Record<string, string>;
};

/** An operation, or a page. */
type Place = Omit<Route, 'operation'>;
type Pattern = { place: Place; pattern: RegExp };

const PATTERNS: readonly Pattern[] = [...ROUTES, ...PAGES].map((place) => ({
  place,
  pattern: patternOf(place.path),
}));
/** `/v1/tasks/stats` is none of `/v1/tasks/:name`, whatever the method. */
const LITERALS = Map.groupBy(
  PATTERNS.filter(({ place }) => !place.path.includes(':')),
  ({ place }) => place.path,
);
/** The others, by how many parts they have. */
const TEMPLATES = Map.groupBy(
  PATTERNS.filter(({ place }) => place.path.includes(':')),
  ({ place }) => partsOf(place.path),
);

const destinations = new WeakMap<Request, Destination>();

/**
 * Finds where a request goes: to the operation of just this path, or else, as with Express, to the first of its method
 * whose template fits. It is found once for metrics, policies and operations; a layer of Express for each of them and each route was a tenth of a submission (issue 7).
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
  const plain = path.endsWith('/') ? path.slice(0, -1) : path;
  const candidates = LITERALS.get(plain.toLowerCase()) ?? TEMPLATES.get(partsOf(plain)) ?? [];
  const exact = candidates.find((one) => one.place.method === method && fits(one));
  return {
    place: exact?.place ?? null,
    template: (exact ?? candidates.find(fits))?.place.path ?? null,
    params: () => decoded(exact?.pattern.exec(path)?.groups ?? {}),
  };
}

function partsOf(path: string): number {
  return path.split('/').length;
}

function decoded(params: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]));
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`, 'i');
}

/** Lets a request through whose caller may do what it asks for, as the policy of where it goes says. */
export function authoriseByPolicy(openReads: boolean): RequestHandler {
  return (request, _response, next) => {
    const { place } = destinationOf(request);
    if (place !== null) authorise(request, place.policy, openReads);
    next();
  };
}

/** Has each request answered by its operation. */
export function operate(api: Api): RequestHandler {
  const handlers = new Map<Place, RequestHandler>(
    ROUTES.map((route) => [route, answerWith(api, route.operation)]),
  );
  return (request, response, next) => {
    const { place, params } = destinationOf(request);
    const handler = place === null ? undefined : handlers.get(place);
    if (handler === undefined) return next();
    request.params = params();
    return handler(request, response, next);
  };
}
