import pRetry from 'p-retry';
import {
  CircuitOpenError,
  ConnectionError,
  RateLimitedError,
  TimeoutError,
  UnavailableError,
} from '../errors.ts';
import { pause } from './deadline.ts';

export type RetryOptions = {
  /** How often a request is sent again. The default is 6. */
  retries?: number | undefined;
  /**
   * The wait before the second attempt in milliseconds. It doubles before each further one. The default is
   * 250 ms. Half of each wait is random.
   */
  initialMs?: number | undefined;
  /** The maximum wait. The default is 8 s. */
  maxMs?: number | undefined;
  /**
   * The longest Retry-After that the client follows. If it is longer, the error is thrown at once. The
   * default is 60 s.
   */
  maxRetryAfterMs?: number | undefined;
};

const NO_OPTIONS: RetryOptions = {};

/** Does some work until it succeeds, or until another try makes no sense. */
export type Retry = <T>(
  work: () => Promise<T>,
  request: {
    /**
     * Whether sending it twice does no harm. Otherwise it is sent again only if it was certainly not carried
     * out.
     */
    repeatable: boolean;
    /** Whether the request is part of a longer operation, which continues when the breaker opens. */
    keepsTrying: boolean;
    signal: AbortSignal;
  },
) => Promise<T>;

/**
 * Makes the retries of a client: exponential backoff with jitter, and never before Retry-After (RFC 9110).
 */
export function createRetry(options: RetryOptions | false = NO_OPTIONS): Retry {
  const { retries = 6, initialMs = 250, maxMs = 8_000, maxRetryAfterMs = 60_000 } = options || { retries: 0 };
  const delayBefore = (attempt: number, error: Error): number => {
    const full = Math.min(maxMs, initialMs * 2 ** (attempt - 1));
    const backoff = full / 2 + (Math.random() * full) / 2;
    const asked = 'retryAfterMs' in error ? Number(error.retryAfterMs ?? 0) : 0;
    // Random, so that clients with the same Retry-After do not all come back at the same moment.
    return asked > backoff ? asked + (Math.random() * initialMs) / 2 : backoff;
  };
  return (work, { repeatable, keepsTrying, signal }) =>
    pRetry(work, {
      retries,
      minTimeout: 0,
      signal,
      async shouldRetry({ error, attemptNumber }) {
        if (error instanceof CircuitOpenError) {
          // A call that starts while the breaker is open fails at once: that is the purpose of a breaker.
          if (attemptNumber === 1 && !keepsTrying) return false;
        } else if (!(error instanceof RateLimitedError) && !(repeatable && isPassing(error))) {
          return false;
        }
        const delay = delayBefore(attemptNumber, error);
        if (delay > Math.max(maxRetryAfterMs + initialMs, maxMs)) return false;
        await pause(delay, signal);
        return true;
      },
    });
}

/** Whether the same request may succeed a little later. */
function isPassing(error: Error): boolean {
  return (
    error instanceof ConnectionError || error instanceof TimeoutError || error instanceof UnavailableError
  );
}

/** The milliseconds of a Retry-After, which is a number of seconds or a date (RFC 9110, 10.2.3). */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
