import type { Request, RequestHandler, Response } from 'express';
import { Counter, Histogram, type Registry as Metrics } from 'prom-client';
import { STATUS_BY_CODE } from '../core/errors.ts';
import { errorOf } from './errors.ts';
import { isProbe } from './state.ts';

const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** As with nginx: the caller hung up before the answer was out. */
const HUNG_UP = '499';

/** What of a request is a label: a method, and where it is as a template. */
type Templated = { method: string; path: string };

/**
 * Measures requests and counts the errors that they are answered with. `routes` are the templates of the API's paths: a path
 * itself is never a label, as anybody can make up any number of them. Probes are not counted.
 */
export function measureRequests(metrics: Metrics, routes: readonly Templated[]): RequestHandler {
  const durations = new Histogram({
    name: 'errand_http_request_duration_seconds',
    help: 'How long requests took, with what the caller asked to wait for its task (?wait=)',
    labelNames: ['method', 'route', 'status'],
    buckets: LATENCY_BUCKETS,
    registers: [metrics],
  });
  const errors = new Counter({
    name: 'errand_http_errors_total',
    help: 'Answers that are errors, by their code and by what protected itself with it',
    labelNames: ['code', 'reason'],
    registers: [metrics],
  });
  for (const code of Object.keys(STATUS_BY_CODE)) errors.inc({ code, reason: NO_REASON }, 0);
  const templateOf = templates(routes);
  return (request, response, next) => {
    if (isProbe(request.path)) return next();
    const begun = performance.now();
    // Taken now: what comes after may change them.
    const labels = { method: methodOf(request), route: templateOf(request) };
    response.once('close', () => {
      if (!isStream(response))
        durations.observe({ ...labels, status: statusOf(response) }, (performance.now() - begun) / 1_000);
      const error = errorOf(response);
      if (error !== undefined) errors.inc({ code: error.code, reason: error.reason ?? NO_REASON });
    });
    next();
  };
}

const NO_REASON = 'none';

/** It lasts as long as its reader wants, which says nothing of how fast requests are answered. */
function isStream(response: Response): boolean {
  return (
    response.statusCode === 101 || String(response.getHeader('content-type')).startsWith('text/event-stream')
  );
}

function methodOf({ method }: Request): string {
  return METHODS.has(method) ? method : 'other';
}

function statusOf(response: Response): string {
  return response.writableFinished ? String(response.statusCode) : HUNG_UP;
}

/** Finds the template of a request: the first that fits, as Express would. A path that is none has `none`. */
function templates(routes: readonly Templated[]): (request: Request) => string {
  const known = routes.map(({ method, path }) => ({
    method,
    path,
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/:\w+/g, '[^/]+')}/?$`, 'i'),
  }));
  return (request) => {
    const method = request.method === 'HEAD' ? 'get' : request.method.toLowerCase();
    const { path } = request;
    const fits = ({ pattern }: (typeof known)[number]): boolean => pattern.test(path);
    return (known.find((one) => one.method === method && fits(one)) ?? known.find(fits))?.path ?? 'none';
  };
}
