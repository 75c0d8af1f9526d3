import pRetry from 'p-retry';
import type { Logger } from 'pino';
import type { TaskContext } from '../../core/task.ts';
import {
  isConnectionFailure,
  isPoolFull,
  isRefusal,
  isTimeout,
  isTransient,
  isUnable,
} from '../../store/database/pool.ts';

/**
 * Whether an error passes by itself: Postgres is away or refuses every statement (specification
 * X7), all connections are taken, or the statement lost a deadlock or timed out.
 */
export function isPassing(error: unknown): boolean {
  return [isConnectionFailure, isPoolFull, isTransient, isTimeout, isUnable].some((is) => is(error));
}

/**
 * Repeats a statement with backoff and jitter until it succeeds. Throws at once if `isWorthIt` says
 * that an error is not worth a retry. By default that is only an error about the values of the
 * statement: everything else can be repaired from outside.
 */
export function untilBack<T>(
  log: Logger,
  what: string,
  statement: () => Promise<T>,
  isWorthIt: (error: unknown) => boolean = (error) => !isRefusal(error),
  signal?: AbortSignal,
): Promise<T> {
  return pRetry(statement, {
    ...(signal === undefined ? {} : { signal }),
    retries: Number.POSITIVE_INFINITY,
    minTimeout: 50,
    maxTimeout: 2_000,
    randomize: true,
    shouldRetry: ({ error }) => isWorthIt(error),
    onFailedAttempt: ({ error, attemptNumber }) =>
      log.warn({ err: error, attempt_number: attemptNumber }, `${what} failed: trying again`),
  });
}

/**
 * Runs a statement of Errand itself within an attempt. Trouble with Postgres never fails the
 * attempt: the statement is repeated until it succeeds or the attempt is aborted, and then this
 * throws the reason of the abort. An error about the values is thrown at once.
 */
export async function steadily<T>(
  context: Pick<TaskContext, 'signal' | 'log'>,
  what: string,
  statement: () => Promise<T>,
): Promise<T> {
  try {
    // Most statements succeed, and then neither a signal nor a log is made.
    return await statement();
  } catch (error) {
    if (isRefusal(error)) throw error;
    context.log.warn({ err: error }, `${what} failed: trying again`);
    return untilBack(context.log, what, statement, undefined, context.signal);
  }
}
