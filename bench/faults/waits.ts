import { quantile } from '../timing.ts';
import type { Asked } from './asking.ts';

/** The waits of the client whose requests were due during a fault, in ms. */
export type Waits = { asked: number; refused: number; worstMs: number; p99Ms: number };

/**
 * The waits of the requests that were due from `from` to `to`. A request without a good answer
 * counts as waiting until `over`, when a request that was sent after the fault had a good answer.
 * All times are by performance.now().
 */
export function waitsOf(
  all: readonly Asked[],
  { from, to, over }: { from: number; to: number; over: number },
): Waits {
  const asked = all.filter(({ due }) => due >= from && due < to);
  const waits = asked.map(
    ({ due, answered, isGood }) => (isGood ? answered : Math.max(answered, over)) - due,
  );
  return {
    asked: asked.length,
    refused: asked.filter(({ isGood }) => !isGood).length,
    worstMs: Math.max(...waits),
    p99Ms: quantile(waits, 0.99),
  };
}
