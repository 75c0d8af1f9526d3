import { sharedCheck } from '../../process/database.ts';
import type { ProbeSource } from '../../process/probes.ts';
import { tryWriting } from '../../store/database/writing.ts';
import type { Guarded } from '../context.ts';

/**
 * The checks of a process, and a check whether it can write. Writing fails while the breaker is open, while
 * the server is read-only, or if the last write failed and a new try fails too. The check goes through the
 * breaker. So a process that receives no requests, because it is not ready, can still close its breaker.
 */
export function withWriting(source: ProbeSource, { pool, breaker }: Guarded): ProbeSource {
  const writing = sharedCheck('writing', () =>
    breaker.run(() => tryWriting(pool, breaker.failing() !== null)),
  );
  return {
    ...source,
    checks: async () => {
      const [others, ofWriting] = await Promise.all([source.checks(), writing()]);
      return [...others, ofWriting];
    },
  };
}
