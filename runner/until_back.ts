import pRetry from 'p-retry';
import type { Logger } from 'pino';
import { isConnectionFailure, isTransient } from '../store/pool.ts';

/**
 * Repeats a statement with backoff and jitter for as long as Postgres is away (specification X7), or while it
 * loses to deadlocks. Throws at once what Postgres says about the statement itself.
 */
export function untilBack<T>(log: Logger, what: string, statement: () => Promise<T>): Promise<T> {
  return pRetry(statement, {
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 50,
    maxTimeout: 5_000,
    randomize: true,
    shouldRetry: ({ error }) => isConnectionFailure(error) || isTransient(error),
    onFailedAttempt: ({ error, attemptNumber }) =>
      log.warn({ err: error, attempt_number: attemptNumber }, `${what} failed, trying again`),
  });
}
