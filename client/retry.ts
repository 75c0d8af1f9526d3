import pRetry from 'p-retry';
import { pause } from './deadline.ts';
import {
  CircuitOpenError,
  ConnectionError,
  RateLimitedError,
  TimeoutError,
  UnavailableError,
} from './errors.ts';

export type RetryOptions = {
  /** How often it is sent again: 6 times. */
  retries?: number | undefined;
  /** What is waited before the second attempt, and doubled before each further one: 250 ms. Half of it is random. */
  initialMs?: number | undefined;
  /** Where doubling ends: 8 s. */
  maxMs?: number | undefined;
  /** The longest Retry-After that is waited for; with a longer one the error comes at once: 60 s. */
  maxRetryAfterMs?: number | undefined;
};

const NO_OPTIONS: RetryOptions = {};

/** Does some work until it succeeds, or there is no point in trying again. */
export type Retry = <T>(
  work: () => Promise<T>,
  request: {
    /** Whether it does no harm twice. Without it only what was certainly not done is sent again. */
    repeatable: boolean;
    /** Part of something longer, which outlasts a breaker that opens. */
    keepsTrying: boolean;
    signal: AbortSignal;
  },
) => Promise<T>;

/** Makes the retries of a client: exponential backoff with jitter, and never before Retry-After (RFC 9110). */
export function createRetry(options: RetryOptions | false = NO_OPTIONS): Retry {
  const { retries = 6, initialMs = 250, maxMs = 8_000, maxRetryAfterMs = 60_000 } = options || { retries: 0 };
  const delayBefore = (attempt: number, error: Error): number => {
    const full = Math.min(maxMs, initialMs * 2 ** (attempt - 1));
    const backoff = full / 2 + (Math.random() * full) / 2;
    const asked = 'retryAfterMs' in error ? Number(error.retryAfterMs ?? 0) : 0;
    // Not all of those who were told the same time at the same instant.
    return asked > backoff ? asked + (Math.random() * initialMs) / 2 : backoff;
  };
  return (work, { repeatable, keepsTrying, signal }) =>
    pRetry(work, {
      retries,
      minTimeout: 0,
      signal,
      async shouldRetry({ error, attemptNumber }) {
        if (error instanceof CircuitOpenError) {
          // A call that begins now fails at once: that is what a breaker is for.
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

/** Whether the same request may well succeed a little later. */
function isPassing(error: Error): boolean {
  return (
    error instanceof ConnectionError || error instanceof TimeoutError || error instanceof UnavailableError
  );
}

/** The milliseconds that a Retry-After asks for, which is a number of seconds or a date (RFC 9110, 10.2.3). */
export function parseRetryAfter(value: string | null, now: number): number | undefined {
  if (value === null || value.trim() === '') return undefined;
  const ms = /^\s*\d+(\.\d+)?\s*$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - now;
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}
