import { setImmediate as nextTurn } from 'node:timers/promises';

/** How long a request computes before others have their turn. */
const TURN_MS = 20;

/** Called after each part of a long computation. */
export type Turns = () => Promise<void>;

/**
 * Cuts a long computation into turns of the event loop, so that other requests are answered meanwhile. `throwIfOver` is
 * asked after each: what it throws ends the computation.
 */
export function takeTurns(throwIfOver: () => void): Turns {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < TURN_MS) return;
    await nextTurn();
    throwIfOver();
    since = performance.now();
  };
}
