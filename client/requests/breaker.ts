import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { CircuitOpenError, ConnectionError, ErrandError, TimeoutError } from '../errors.ts';
import { unlessAborted } from './deadline.ts';

export type BreakerOptions = {
  /** How many consecutive failures open the breaker. The default is 10. */
  failures?: number | undefined;
  /**
   * How many milliseconds the breaker stays open before it lets one request through as a probe. The default
   * is 5 s.
   */
  openMs?: number | undefined;
};

/** Sends a request, or throws CircuitOpenError if requests have failed too often. */
export type Breaker = <T>(send: () => Promise<T>, signal: AbortSignal) => Promise<T>;

const NO_OPTIONS: BreakerOptions = {};

/** Makes the breaker of a client. Only missing answers and 5xx count; 4xx are answers. */
export function createBreaker(options: BreakerOptions | false = NO_OPTIONS): Breaker {
  if (options === false) return (send) => send();
  const { failures = 10, openMs = 5_000 } = options;
  const policy = circuitBreaker(
    // A probe that its caller has aborted shows nothing about the API, so the breaker stays open.
    handleWhen((error) => isOutage(error) || (isHalfOpen() && !(error instanceof ErrandError))),
    { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(failures) },
  );
  const isHalfOpen = (): boolean => policy.state === CircuitState.HalfOpen;
  let openedAt = 0;
  let cause: unknown;
  policy.onBreak((reason) => {
    openedAt = Date.now();
    cause = 'error' in reason ? reason.error : undefined;
  });
  return async (send, signal) => {
    try {
      // While a probe is running, the policy makes this request wait, and ignores its signal.
      return await unlessAborted(policy.execute(send), signal);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      const leftMs = Math.max(0, openedAt + openMs - Date.now());
      throw new CircuitOpenError(
        `The API failed ${failures} times in a row: the client sends nothing for the next ${leftMs} ms`,
        { code: 'CIRCUIT_OPEN', retryAfterMs: leftMs, cause },
      );
    }
  };
}

function isOutage(error: unknown): boolean {
  if (!(error instanceof ErrandError)) return false;
  if (error.status !== undefined) return error.status >= 500;
  return error instanceof ConnectionError || error instanceof TimeoutError;
}
