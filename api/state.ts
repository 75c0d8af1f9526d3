import type { RequestHandler } from 'express';
import { ErrandError } from '../core/errors.ts';
import type { Check } from '../process/probes.ts';

/**
 * What a process of the API answers at the moment (specification A11): everything when `normal`; while `starting`
 * and `draining` only its probes and metrics; in an `emergency` only `/health`.
 */
export const OPERATIONAL_STATES = ['starting', 'normal', 'draining', 'emergency'] as const;
export type OperationalState = (typeof OPERATIONAL_STATES)[number];

/** The state of a process. */
export type StateHolder = {
  current(): OperationalState;
  /** `starting` → `normal`. */
  started(): void;
  /** For good: nothing leads out of it. */
  drain(): void;
  /** `normal` ⇄ `emergency`; gives the state after it. Nothing happens while starting or draining. */
  toggleEmergency(): OperationalState;
};

/** Makes the state of a process that is starting. */
export function createState(): StateHolder {
  let state: OperationalState = 'starting';
  return {
    current: () => state,
    started() {
      if (state === 'starting') state = 'normal';
    },
    drain() {
      state = 'draining';
    },
    toggleEmergency() {
      if (state === 'normal') state = 'emergency';
      else if (state === 'emergency') state = 'normal';
      return state;
    },
  };
}

const RETRY_AFTER_SECS: Record<OperationalState, string> = {
  starting: '1',
  normal: '0',
  draining: '1',
  emergency: '60',
};

const PROBES = /^\/(health|ready|live|metrics)(\/|$)/;

/** Whether a path is one of the probes or the metrics, which are asked for again and again by machines. */
export function isProbe(path: string): boolean {
  return PROBES.test(path);
}

/** Refuses what the process does not answer in its present state: SERVICE_UNAVAILABLE with Retry-After. */
export function refuseByState(state: StateHolder): RequestHandler {
  return (request, _response, next) => {
    const current = state.current();
    const isAnswered =
      current === 'normal' || (current === 'emergency' ? request.path === '/health' : isProbe(request.path));
    if (isAnswered) return next();
    throw new ErrandError(
      'SERVICE_UNAVAILABLE',
      `This process of the API is in the state ${current}: try again`,
      {
        reason: current,
        headers: { 'Retry-After': RETRY_AFTER_SECS[current] },
      },
    );
  };
}

/** The state as a readiness check: only a `normal` process may get traffic. */
export function stateCheck(state: StateHolder): Check {
  const current = state.current();
  if (current === 'normal') return { name: 'state', status: 'ok' };
  return { name: 'state', status: 'failed', message: `the process is in the state ${current}` };
}
