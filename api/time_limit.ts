import type { Request } from 'express';
import { ErrandError } from '../core/errors.ts';
import { MAX_WAIT_SECONDS } from './openapi/parameters.ts';

/** The time that a request may take. */
export type TimeLimit = {
  /** Aborted when it is up. Made when it is asked for, as most requests need none. */
  signal(): AbortSignal;
  /** The work's own end, or REQUEST_TIMEOUT when the time is up before; what becomes of the work then is nobody's. */
  race<T>(work: Promise<T>): Promise<T>;
  clear(): void;
};

/** Starts the clock of a request. What it asks to wait for its task, with `?wait=`, comes on top. */
export function timeLimit(request: Request, timeoutMs: number): TimeLimit {
  let controller: AbortController | undefined;
  let expired: ErrandError | undefined;
  const { promise: isUp, reject } = Promise.withResolvers<never>();
  isUp.catch(() => {});
  const waitMs = Math.min(Number(request.query.wait) || 0, MAX_WAIT_SECONDS) * 1_000;
  const timer = setTimeout(() => {
    expired = new ErrandError(
      'REQUEST_TIMEOUT',
      `This took longer than ${timeoutMs / 1_000} s and was stopped`,
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
