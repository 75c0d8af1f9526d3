import type { Request, RequestHandler } from 'express';
import { type Options, rateLimit } from 'express-rate-limit';
import type { Config } from '../config/schema.ts';
import { ErrandError } from '../core/errors.ts';
import { clientOf } from './auth/identify.ts';

const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;

type Kind = 'reads' | 'writes' | 'webhooks';

export type RateLimits = Pick<
  Config,
  'RATE_LIMIT_READS' | 'RATE_LIMIT_WRITES' | 'RATE_LIMIT_WEBHOOKS' | 'RATE_LIMIT_BURST'
>;

/**
 * Limits what one client (a token's subject, an API key, else an address) asks for (specification A6): reads, writes
 * and webhooks apart, each per minute and, so that the minute's worth does not come at once, per second. Answers
 * carry RateLimit and RateLimit-Policy (draft 8); beyond a limit it is RATE_LIMITED with Retry-After.
 *
 * The counts are of this process: behind n replicas a client has up to n times as much. Sharing them would cost
 * every request a statement.
 */
export function limitRate(limits: RateLimits): RequestHandler[] {
  const perMinute: Record<Kind, number> = {
    reads: limits.RATE_LIMIT_READS,
    writes: limits.RATE_LIMIT_WRITES,
    webhooks: limits.RATE_LIMIT_WEBHOOKS,
  };
  return (['reads', 'writes', 'webhooks'] as const).flatMap((kind) => [
    ...limiter(kind, `${kind}-per-second`, limits.RATE_LIMIT_BURST, SECOND_MS),
    ...limiter(kind, `${kind}-per-minute`, perMinute[kind], MINUTE_MS),
  ]);
}

function limiter(kind: Kind, identifier: string, limit: number, windowMs: number): RequestHandler[] {
  if (limit === 0) return [];
  const options: Partial<Options> = {
    identifier,
    limit,
    windowMs,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: clientOf,
    skip: (request) => kindOf(request) !== kind,
    handler: (_request, _response, next) =>
      next(
        new ErrandError('RATE_LIMITED', `More than ${limit} ${kind} in ${windowMs / 1_000} s: slow down`, {
          reason: identifier,
        }),
      ),
    // It would write warnings of its own to the console.
    validate: false,
  };
  return [rateLimit(options)];
}

function kindOf(request: Request): Kind | null {
  if (request.path === '/ws') return 'reads';
  if (!request.path.startsWith('/v1/')) return null;
  if (request.path.startsWith('/v1/webhooks/')) return 'webhooks';
  return request.method === 'GET' || request.method === 'HEAD' ? 'reads' : 'writes';
}
