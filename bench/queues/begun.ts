import { setTimeout as pause } from 'node:timers/promises';

const POLL_MS = 10;

/**
 * Waits until something has begun, and gives the last time, by performance.now(), at which it had not: a little too
 * early rather than too late, since what is measured from then on shall not look faster than it is.
 */
export async function untilBegun(hasBegun: () => Promise<boolean>): Promise<number> {
  let notYet = performance.now();
  for (;;) {
    const asked = performance.now();
    if (await hasBegun()) return notYet;
    notYet = asked;
    await pause(POLL_MS);
  }
}
