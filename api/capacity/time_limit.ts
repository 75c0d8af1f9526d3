import type { Request } from 'express';
import { ErrandError } from '../../core/errors.ts';

/** Longest time that a request may wait for its task to finish. */
export const MAX_WAIT_SECONDS = 30;

/** The time limit of one request. */
export type TimeLimit = {
  /** Aborted when the time is up. Created on first use, because most requests need none. */
  signal(): AbortSignal;
  /**
   * Settles like the work, or rejects with REQUEST_TIMEOUT if the time is up first. The later result of the
   * work is ignored.
   */
  race<T>(work: Promise<T>): Promise<T>;
  clear(): void;
};

/** Starts the clock of a request. The time that it asks to wait for its task (`?wait=`) is added. */
export function timeLimit(request: Request, timeoutMs: number): TimeLimit {
  let controller: AbortController | undefined;
  let expired: ErrandError | undefined;
  const { promise: isUp, reject } = Promise.withResolvers<never>();
  isUp.catch(() => {});
  const wait = request.url.includes('?') ? Number(request.query.wait) || 0 : 0;
  const waitMs = Math.min(wait, MAX_WAIT_SECONDS) * 1_000;
  const timer = setTimeout(() => {
    expired = new ErrandError(
      'REQUEST_TIMEOUT',
      `The request took longer than ${timeoutMs / 1_000} s and was stopped: try again, or ask for less`,
      {
        reason: 'timeout',
        headers: { 'Retry-After': '2' },
      },
    );
    reject(expired);
    controller?.abort(expired);
  }, timeoutMs + waitMs);
  return {
    signal() {
      controller ??= new AbortController();
      if (expired !== undefined) controller.abort(expired);
      return controller.signal;
    },
    race(work) {
      work.catch(() => {});
      return Promise.race([work, isUp]);
    },
    clear: () => clearTimeout(timer),
  };
}
