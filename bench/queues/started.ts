import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Waits until execution has started, and gives the last time, by performance.now(), at which it had
 * not. That is a little too early rather than too late, so that the result never looks faster than
 * it is.
 */
export async function untilStarted(hasStarted: () => Promise<boolean>): Promise<number> {
  let notYet = performance.now();
  for (;;) {
    const asked = performance.now();
    if (await hasStarted()) return notYet;
    notYet = asked;
    await pause(POLL_MS);
  }
}
