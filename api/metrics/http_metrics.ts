import type { Request, RequestHandler, Response } from 'express';
import { Counter, Histogram, type Registry as Metrics } from 'prom-client';
import { STATUS_BY_CODE } from '../../core/errors.ts';
import { isProbe } from '../capacity/state.ts';
import { errorOf } from '../errors.ts';
import { destinationOf } from '../routing.ts';

const LATENCY_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
/** As in nginx: the caller disconnected before it had the complete answer. */
const DISCONNECTED = '499';

/**
 * Measures requests and counts error answers. The label `route` is the template of the path, never the path
 * itself: callers could invent any number of paths. Probes are not counted.
 */
export function measureRequests(metrics: Metrics): RequestHandler {
  const durations = new Histogram({
    name: 'errand_http_request_duration_seconds',
    help: 'How long requests took, including the time that the caller asked to wait for its task (?wait=)',
    labelNames: ['method', 'route', 'status'],
    buckets: LATENCY_BUCKETS,
    registers: [metrics],
  });
  const errors = new Counter({
    name: 'errand_http_errors_total',
    help: 'Error answers, by code and by the reason of the limit or protection',
    labelNames: ['code', 'reason'],
    registers: [metrics],
  });
  for (const code of Object.keys(STATUS_BY_CODE)) errors.inc({ code, reason: NO_REASON }, 0);
  return (request, response, next) => {
    if (isProbe(request.path)) return next();
    const startedAt = performance.now();
    // Computed now, because later handlers may change the request.
    const labels = { method: methodOf(request), route: destinationOf(request).template ?? NO_ROUTE };
    response.on('close', () => {
      if (!isStream(response))
        durations.observe({ ...labels, status: statusOf(response) }, (performance.now() - startedAt) / 1_000);
      const error = errorOf(response);
      if (error !== undefined) errors.inc({ code: error.code, reason: error.reason ?? NO_REASON });
    });
    next();
  };
}

const NO_REASON = 'none';
const NO_ROUTE = 'none';

/** A stream lasts as long as its reader wants. Its duration says nothing about the speed of answers. */
function isStream(response: Response): boolean {
  return (
    response.statusCode === 101 || String(response.getHeader('content-type')).startsWith('text/event-stream')
  );
}

function methodOf({ method }: Request): string {
  return METHODS.has(method) ? method : 'other';
}

function statusOf(response: Response): string {
  return response.writableFinished ? String(response.statusCode) : DISCONNECTED;
}
