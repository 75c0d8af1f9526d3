import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { isConnectionFailure, isRefusal, isTimeout, isTransient, isUnable } from '../store/pool.ts';

/**
 * Whether an error passes by itself: Postgres is away or can't do anything of the kind (specification X7), or the
 * statement lost to a deadlock or ran out of time.
 */
export function isPassing(error: unknown): boolean {
  return isConnectionFailure(error) || isTransient(error) || isTimeout(error) || isUnable(error);
}

/**
 * Repeats a statement with backoff and jitter until it goes well. Throws at once an error that is not worth it:
 * without `isWorthIt`, only one about the values of the statement. What else is wrong can be mended without us.
 */
export function untilBack<T>(
  log: Logger,
  what: string,
  statement: () => Promise<T>,
  isWorthIt: (error: unknown) => boolean = (error) => !isRefusal(error),
): Promise<T> {
  return pRetry(statement, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 50,
    maxTimeout: 2_000,
    randomize: true,
    shouldRetry: ({ error }) => isWorthIt(error),
    onFailedAttempt: ({ error, attemptNumber }) =>
      log.warn({ err: error, attempt_number: attemptNumber }, `${what} failed, trying again`),
  });
}
