import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { unlessAborted } from './deadline.ts';
import { CircuitOpenError, ConnectionError, ErrandError, TimeoutError } from './errors.ts';

export type BreakerOptions = {
  /** Failures in a row that open it: 10. */
  failures?: number | undefined;
  /** How long nothing is sent then, before one request is let through to see: 5 s. */
  openMs?: number | undefined;
};

/** Sends a request, or throws CircuitOpenError because that has failed too often. */
export type Breaker = <T>(send: () => Promise<T>, signal: AbortSignal) => Promise<T>;

const NO_OPTIONS: BreakerOptions = {};

/** Makes the breaker of a client. Only silence and 5xx count; 4xx are answers. */
export function createBreaker(options: BreakerOptions | false = NO_OPTIONS): Breaker {
  if (options === false) return (send) => send();
  const { failures = 10, openMs = 5_000 } = options;
  const policy = circuitBreaker(
    // One that was let through to see, and was given up by its caller, has seen nothing.
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
      // While another one is let through to see, the policy keeps this one waiting, and knows no signal.
      return await unlessAborted(policy.execute(send), signal);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      const leftMs = Math.max(0, openedAt + openMs - Date.now());
      throw new CircuitOpenError(
        `The API has failed ${failures} times in a row: it is left alone for ${leftMs} ms`,
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
