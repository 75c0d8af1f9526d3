import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { dropStaleRings, FIRST_ID, type Look, ringLost } from '../store/reconcile.ts';

/**
 * Makes the rounds in which rings are held against the ledger. A round looks at the next slice of the open tasks, until it
 * has nothing more to do there or `stop` is aborted, and begins again after the last one: with fewer than a slice it looks
 * at all each time. How far it is, this runner alone knows; what another does again is just done later. In tests a slice
 * is smaller.
 */
export function createReconciler(
  pool: Pool,
  log: Logger,
  slice?: number,
): (stop: AbortSignal) => Promise<void> {
  let after = FIRST_ID;
  return async (stop) => {
    let rung = 0;
    let look: Look;
    do {
      look = await ringLost(pool, after, slice);
      rung += look.rung;
    } while (!look.isClean && !stop.aborted);
    if (look.isClean) after = look.next ?? FIRST_ID;
    const dropped = await dropStaleRings(pool);
    if (rung + dropped > 0) log.warn({ rung, dropped }, 'reconciled rings with the ledger');
  };
}
