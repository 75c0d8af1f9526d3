import type { RequestHandler, Response } from 'express';
import { ErrandError } from '../core/errors.ts';

const RETRY_AFTER_SECS = '1';

/** What a process works on: requests that are to be answered soon, and streams, which stay. */
export type InFlight = {
  requests(): number;
  streams(): number;
  middleware: RequestHandler;
  /** From now on a request is a stream. Throws SERVICE_UNAVAILABLE when there are as many as there may be. */
  toStream(response: Response): void;
};

/**
 * Lets so many requests in at a time (specification A7), and of these so many become streams; further ones are
 * SERVICE_UNAVAILABLE with Retry-After.
 */
export function limitInFlight(limits: { requests: number; streams: number }): InFlight {
  const requests = new Set<Response>();
  const streams = new Set<Response>();
  return {
    requests: () => requests.size,
    streams: () => streams.size,
    middleware(_request, response, next) {
      if (requests.size >= limits.requests) throw tooMany(`${limits.requests} requests are being worked on`);
      requests.add(response);
      // Comes once, also when the caller hangs up.
      response.once('close', () => {
        requests.delete(response);
        streams.delete(response);
      });
      next();
    },
    toStream(response) {
      if (streams.size >= limits.streams) throw tooMany(`${limits.streams} streams are open`);
      requests.delete(response);
      streams.add(response);
    },
  };
}

function tooMany(what: string): ErrandError {
  return new ErrandError('SERVICE_UNAVAILABLE', `${what}: try again`, {
    reason: 'in_flight',
    headers: { 'Retry-After': RETRY_AFTER_SECS },
  });
}
