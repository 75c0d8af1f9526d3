import type { Request, RequestHandler } from 'express';
import { type Options, rateLimit } from 'express-rate-limit';
import type { Config } from '../../config/schema.ts';
import { ErrandError } from '../../core/errors.ts';
import { clientOf } from '../auth/identify.ts';
import { destinationOf } from '../routing.ts';
import { inOneLayer } from './in_one_layer.ts';

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;

type Kind = 'reads' | 'writes' | 'webhooks';

/** How many pages and assets one address may load per minute. Opening the docs loads five. */
const PAGES_PER_MINUTE = 120;

export type RateLimits = Pick<
  Config,
  'RATE_LIMIT_READS' | 'RATE_LIMIT_WRITES' | 'RATE_LIMIT_WEBHOOKS' | 'RATE_LIMIT_BURST'
>;

/**
 * Limits the requests of one client (a token's subject, an API key, otherwise an address) (specification A6).
 * Reads, writes and webhooks are counted separately, per minute and also per second, so that not all requests
 * of a minute come at once. Answers carry RateLimit and RateLimit-Policy (draft 8). Above a limit the client
 * gets RATE_LIMITED with Retry-After.
 *
 * Each process counts for itself: with n replicas a client may send up to n times as much. A shared count
 * would cost a statement per request.
 */
export function limitRate(limits: RateLimits): RequestHandler {
  const limited = (kind: Kind, perMinute: number): RequestHandler =>
    inOneLayer(
      ...limiter(`${kind}-per-second`, limits.RATE_LIMIT_BURST, SECOND_MS),
      ...limiter(`${kind}-per-minute`, perMinute, MINUTE_MS),
    );
  const limiters: Record<Kind, RequestHandler> = {
    reads: limited('reads', limits.RATE_LIMIT_READS),
    writes: limited('writes', limits.RATE_LIMIT_WRITES),
    webhooks: limited('webhooks', limits.RATE_LIMIT_WEBHOOKS),
  };
  return (request, response, next) => limiters[kindOf(request)](request, response, next);
}

/** Limits how many open pages an address loads. If reads have no limit, pages have none. */
export function limitPages(limits: RateLimits): RequestHandler[] {
  const limit = limits.RATE_LIMIT_READS === 0 ? 0 : PAGES_PER_MINUTE;
  return limiter('pages-per-minute', limit, MINUTE_MS);
}

function limiter(identifier: string, limit: number, windowMs: number): RequestHandler[] {
  if (limit === 0) return [];
  const options: Partial<Options> = {
    identifier,
    limit,
    windowMs,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: clientOf,
    handler: (_request, _response, next) =>
      next(
        new ErrandError(
          'RATE_LIMITED',
          `More than ${limit} ${identifier.split('-')[0]} in ${windowMs / 1_000} s: send them more slowly`,
          {
            reason: identifier,
          },
        ),
      ),
    // The library's validation writes warnings to the console.
    validate: false,
  };
  return [rateLimit(options)];
}

/** Uses the destination that routing found, so that no request escapes its limit by another spelling. */
function kindOf(request: Request): Kind {
  if (destinationOf(request).template?.startsWith('/v1/webhooks/')) return 'webhooks';
  return request.method === 'GET' || request.method === 'HEAD' ? 'reads' : 'writes';
}
