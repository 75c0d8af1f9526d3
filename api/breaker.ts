import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import { ErrandError } from '../core/errors.ts';
import { type Connections, isConnectionFailure, isUnable } from '../store/pool.ts';

/** Failures in a row that open it (specification A8). */
const FAILURES_TO_OPEN = 5;

export type BreakerState = 'closed' | 'open' | 'half_open';

/** Keeps requests from waiting, each for itself, for a database that is not there. */
export type Breaker = {
  state(): BreakerState;
  /** The same connections; while it is open they throw CIRCUIT_OPEN with Retry-After at once. */
  guard(connections: Connections): Connections;
};

/**
 * Makes a breaker that opens for `openMs` after FAILURES_TO_OPEN failures of the database in a row, and then lets one
 * statement through to see. Only what says that Postgres is away, or can do nothing of the kind, counts: a refusal,
 * a conflict or a statement that took too long is an answer.
 */
export function createBreaker(openMs: number): Breaker {
  const policy = circuitBreaker(
    handleWhen((error) => isConnectionFailure(error) || isUnable(error)),
    { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(FAILURES_TO_OPEN) },
  );
  let openedAt = 0;
  policy.onBreak(() => {
    openedAt = performance.now();
  });

  async function run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await policy.execute(work);
    } catch (error) {
      if (!(error instanceof BrokenCircuitError)) throw error;
      const leftSecs = Math.ceil((openedAt + openMs - performance.now()) / 1_000);
      throw new ErrandError(
        'CIRCUIT_OPEN',
        'The database has failed several times: it is left alone for a while',
        {
          reason: 'breaker',
          headers: { 'Retry-After': String(Math.max(1, leftSecs)) },
        },
      );
    }
  }

  return {
    state: () => STATES[policy.state],
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
