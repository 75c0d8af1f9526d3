import type { Backoff } from './policy.ts';

/**
 * How long to wait after a failed attempt before the next one, in ms.
 * `attempt` is the number of the attempt that failed, from 1; `random` is in [0, 1).
 */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const grown = Math.min(backoff.initialMs * backoff.factor ** (attempt - 1), backoff.maxMs);
  const spread = 1 + backoff.jitter * (2 * random - 1);
  return Math.max(1, Math.round(Math.min(grown * spread, backoff.maxMs)));
}
