import type { RequestHandler } from 'express';
import { ErrandError } from '../../core/errors.ts';
import type { Check } from '../../process/probes.ts';

/**
 * The state of an API process decides which requests it answers (specification A11): all requests when
 * `normal`; only probes and metrics while `starting` or `draining`; only `/health` in an `emergency`.
 */
export const OPERATIONAL_STATES = ['starting', 'normal', 'draining', 'emergency'] as const;
export type OperationalState = (typeof OPERATIONAL_STATES)[number];

/** The state of a process. */
export type StateHolder = {
  current(): OperationalState;
  /** `starting` → `normal`. */
  started(): void;
  /** Final: no other state follows. */
  drain(): void;
  /** `normal` ⇄ `emergency`. Gives the new state. Does nothing while starting or draining. */
  toggleEmergency(): OperationalState;
};

/** Makes the state of a process, which is `starting`. */
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

/** As in Express, upper case and a trailing slash are accepted. */
const PROBES = /^\/(health(\/(ready|live|detailed))?|ready|live|metrics)\/?$/i;
const HEALTH = /^\/health\/?$/i;

/** Whether a path is a probe or the metrics, which machines request again and again. */
export function isProbe(path: string): boolean {
  return PROBES.test(path);
}

/**
 * Refuses requests that the process does not answer in its present state: SERVICE_UNAVAILABLE with
 * Retry-After.
 */
export function refuseByState(state: StateHolder): RequestHandler {
  return (request, _response, next) => {
    const current = state.current();
    const isAnswered =
      current === 'normal' || (current === 'emergency' ? HEALTH.test(request.path) : isProbe(request.path));
    if (isAnswered) return next();
    throw new ErrandError(
      'SERVICE_UNAVAILABLE',
      `This API process is in the state ${current}: try again later`,
      {
        reason: current,
        // Without `Connection: close`, a client would send its next request to this process too.
        headers: {
          'Retry-After': RETRY_AFTER_SECS[current],
          ...(current === 'draining' ? { Connection: 'close' } : {}),
        },
      },
    );
  };
}

/** The state as a readiness check: only a `normal` process may receive traffic. */
export function stateCheck(state: StateHolder): Check {
  const current = state.current();
  if (current === 'normal') return { name: 'state', status: 'ok' };
  return { name: 'state', status: 'failed', message: `the process is in the state ${current}` };
}
