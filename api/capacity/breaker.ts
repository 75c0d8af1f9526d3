import {
  BrokenCircuitError,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  DelegateBackoff,
  handleWhen,
} from 'cockatiel';
import { ErrandError } from '../../core/errors.ts';
import { type Connections, isConnectionFailure, isUnable } from '../../store/database/pool.ts';

/** Number of consecutive failures that open the breaker (specification A8). */
const FAILURES_TO_OPEN = 5;
/** How long the breaker stays open at first. Each failed probe doubles the time. */
const FIRST_OPEN_MS = 250;

export type BreakerState = 'closed' | 'open' | 'half_open';

/** Answers at once while the database is down, so that requests do not each wait for it. */
export type Breaker = {
  state(): BreakerState;
  /** The last database error, or null after a success. */
  failing(): unknown;
  /** Runs the work. If the breaker is open, throws CIRCUIT_OPEN with Retry-After at once. */
  run<T>(work: () => Promise<T>): Promise<T>;
  /** The same connections: each statement and each connect goes through `run`. */
  guard(connections: Connections): Connections;
};

/**
 * A failure of work that began before the last counted failure. Many requests see the same problem at once;
 * it counts once.
 */
class SameFailure extends Error {}

/**
 * Makes a breaker that opens after FAILURES_TO_OPEN consecutive database failures. A failure counts only if
 * its work began after the failure before it. The open breaker lets one probe through after FIRST_OPEN_MS,
 * then after twice as long each time, up to `maxOpenMs`. Only errors that mean "Postgres is down or cannot do
 * anything of this kind" count. A refusal, a conflict or a slow statement is an answer. A pool without a free
 * connection is no failure of Postgres.
 */
export function createBreaker(maxOpenMs: number): Breaker {
  let failures = 0;
  let failing: unknown = null;
  let openUntil = 0;
  const policy = circuitBreaker(
    handleWhen((error) => isConnectionFailure(error) || isUnable(error)),
    {
      breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN),
      halfOpenAfter: new DelegateBackoff<unknown, number>((_context, last) => {
        const delay = Math.min(maxOpenMs, last === undefined ? FIRST_OPEN_MS : last * 2);
        openUntil = performance.now() + delay;
        return { delay, state: delay };
      }),
    },
  );

  async function counted<T>(work: () => Promise<T>): Promise<T> {
    const before = failures;
    const isClosed = policy.state === CircuitState.Closed;
    try {
      const value = await work();
      failing = null;
      return value;
    } catch (error) {
      if (!isConnectionFailure(error) && !isUnable(error)) throw error;
      failing = error;
      if (isClosed && before !== failures) throw new SameFailure('', { cause: error });
      failures++;
      throw error;
    }
  }

  async function run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await policy.execute(() => counted(work));
    } catch (error) {
      if (error instanceof SameFailure) throw error.cause;
      if (!(error instanceof BrokenCircuitError)) throw error;
      const leftSecs = Math.ceil((openUntil - performance.now()) / 1_000);
      throw new ErrandError(
        'CIRCUIT_OPEN',
        'The database failed several times in a row, so it gets no requests for a while: try again',
        {
          reason: 'breaker',
          headers: { 'Retry-After': String(Math.max(1, leftSecs)) },
        },
      );
    }
  }

  return {
    state: () => STATES[policy.state],
    failing: () => failing,
    run,
    guard: (connections) => ({
      query: ((...statement: unknown[]) =>
        run(() =>
          (connections.query as (...all: unknown[]) => Promise<unknown>)(...statement),
        )) as Connections['query'],
      connect: (() => run(() => connections.connect())) as Connections['connect'],
    }),
  };
}

const STATES: Record<CircuitState, BreakerState> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.Open]: 'open',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Isolated]: 'open',
};
