import { type Request, type RequestHandler, Router } from 'express';
import { authorise } from './auth/identify.ts';
import { type Api, answerWith } from './context.ts';
import { PAGES, ROUTES, type Route } from './operations.ts';

/**
 * The destination of a request: the operation or page, if one matches, and the path as a template for any
 * method.
 */
type Destination = {
  place: Place | null;
  template: string | null;
  params: () => Record<string, string>;
};

/** An operation or a page. */
type Place = Omit<Route, 'operation' | 'heavy'>;
type Pattern = { place: Place; pattern: RegExp };

const PATTERNS: readonly Pattern[] = [...ROUTES, ...PAGES].map((place) => ({
  place,
  pattern: patternOf(place.path),
}));
/** `/v1/tasks/stats` never matches `/v1/tasks/:name`, whatever the method. */
const LITERALS = Map.groupBy(
  PATTERNS.filter(({ place }) => !place.path.includes(':')),
  ({ place }) => place.path,
);
/** Paths with parameters, grouped by their number of segments. */
const TEMPLATES = Map.groupBy(
  PATTERNS.filter(({ place }) => place.path.includes(':')),
  ({ place }) => partsOf(place.path),
);

const destinations = new WeakMap<Request, Destination>();

/**
 * Finds the destination of a request: the operation with exactly this path, otherwise, as in Express, the
 * first of its method whose template matches. The result is computed once for metrics, policies and
 * operations. With one Express layer per route for each of them, matching took a tenth of the time of a
 * submission (issue 7).
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
  let params: Record<string, string> | undefined;
  return {
    place: exact?.place ?? null,
    template: (exact ?? candidates.find(fits))?.place.path ?? null,
    params() {
      params ??= decoded(exact?.pattern.exec(path)?.groups ?? {});
      return params;
    },
  };
}

function partsOf(path: string): number {
  return path.split('/').length;
}

function decoded(params: Record<string, string>): Record<string, string> {
  if (!Object.values(params).some((value) => value.includes('%'))) return { ...params };
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, decodeURIComponent(value)]));
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}/?$`, 'i');
}

/** Runs a router for the requests to these places alone. Others do not pay for its matching. */
export function at(isThere: (place: Place) => boolean, router: Router): RequestHandler {
  return (request, response, next) => {
    const { place } = destinationOf(request);
    return place !== null && isThere(place) ? router(request, response, next) : next();
  };
}

/** Joins routers with pages into one router. A request for an operation skips it. */
export function apartFromOperations(...routers: Router[]): Router {
  const pages = Router();
  pages.use((request, _response, next) =>
    destinationOf(request).template?.startsWith(OPERATIONS) ? next('router') : next(),
  );
  return pages.use(...routers);
}

const OPERATIONS = '/v1/';

/** Lets a request pass if its caller has the rights that the policy of its destination asks for. */
export function authoriseByPolicy(openReads: boolean): RequestHandler {
  return (request, _response, next) => {
    const { place } = destinationOf(request);
    if (place !== null) authorise(request, place.policy, openReads);
    next();
  };
}

/** Answers each request with its operation. */
export function operate(api: Api): RequestHandler {
  const handlers = new Map<Place, RequestHandler>(ROUTES.map((route) => [route, answerWith(api, route)]));
  return (request, response, next) => {
    const { place, params } = destinationOf(request);
    const handler = place === null ? undefined : handlers.get(place);
    if (handler === undefined) return next();
    request.params = params();
    return handler(request, response, next);
  };
}
