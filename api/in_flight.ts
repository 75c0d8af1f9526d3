import type { RequestHandler } from 'express';
import { ErrandError } from '../core/errors.ts';

const RETRY_AFTER_SECS = '1';

/** How many requests a process works on, and the middleware that counts them. */
export type InFlight = { count(): number; middleware: RequestHandler };

/** Lets `limit` requests in at a time (specification A7); further ones are SERVICE_UNAVAILABLE with Retry-After. */
export function limitInFlight(limit: number): InFlight {
  let count = 0;
  return {
    count: () => count,
    middleware(_request, response, next) {
      if (count >= limit) {
        throw new ErrandError('SERVICE_UNAVAILABLE', `${limit} requests are being worked on: try again`, {
          reason: 'in_flight',
          headers: { 'Retry-After': RETRY_AFTER_SECS },
        });
      }
      count++;
      // Comes once, also when the caller hangs up.
      response.once('close', () => {
        count--;
      });
      next();
    },
  };
}
