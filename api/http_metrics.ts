import type { Request, RequestHandler, Response } from 'express';
import { Counter, Histogram, type Registry as Metrics } from 'prom-client';
import { STATUS_BY_CODE } from '../core/errors.ts';
import { errorOf } from './errors.ts';
import { destinationOf } from './routing.ts';
import { isProbe } from './state.ts';

const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** As with nginx: the caller hung up before the answer was out. */
const HUNG_UP = '499';

/**
 * Measures requests and counts the errors that they are answered with. Their labels have the template of the path: a path
 * itself is never one, as anybody can make up any number of them. Probes are not counted.
 */
export function measureRequests(metrics: Metrics): RequestHandler {
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
  return (request, response, next) => {
    if (isProbe(request.path)) return next();
    const begun = performance.now();
    // Taken now: what comes after may change them.
    const labels = { method: methodOf(request), route: destinationOf(request).template ?? NO_ROUTE };
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
const NO_ROUTE = 'none';

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
