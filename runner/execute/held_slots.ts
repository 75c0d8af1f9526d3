import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { DueAttempt } from '../../store/attempts/load.ts';
import { freeSlots } from '../../store/limits/slots.ts';
import { holdLimitKey } from '../../store/limits/timed_calls.ts';
import type { RunnerEvents } from '../record/events.ts';
import { untilBack } from '../record/retry_until_available.ts';
import { bindingsOf, type HeldSlots } from './run_attempt.ts';

/**
 * The slots of attempts that no outcome frees (Q6). A handler that was given up keeps its slots until
 * it returns, so no other attempt runs beside it. If it has not returned after another grace,
 * `deaf` is emitted: the process drains and ends, and with it the handler. Its slots are free when its
 * lease is over.
 */
export function heldSlots(options: {
  pgPool: Pool;
  runnerId: number;
  graceMs: number;
  events: RunnerEvents;
  log: Logger;
  /** Called after a key was held. */
  onHold: () => void;
}): HeldSlots & {
  /** Whether the handler of an attempt that has ended still runs. */
  areKept(): boolean;
} {
  const { pgPool, runnerId, graceMs, events, log } = options;

  let kept = 0;

  function free(due: DueAttempt): void {
    untilBack(log, 'freeing slots', () => freeSlots(pgPool, runnerId, [due])).catch((error: unknown) => {
      // The end of the runner frees them.
      log.error({ err: error, ...bindingsOf(due) }, 'could not free the slots of an attempt');
    });
  }

  return {
    free,
    async hold({ holdKey }, ms) {
      if (holdKey === undefined) return;
      await untilBack(log, 'holding a limit', () => holdLimitKey(pgPool, holdKey, ms));
      options.onHold();
    },
    areKept: () => kept > 0,
    keep(attempt) {
      kept++;
      const timer = setTimeout(() => {
        log.error(
          bindingsOf(attempt.due),
          'a handler with a limit did not return after it was aborted, and keeps its slots until its process ends',
        );
        events.emit('deaf');
      }, graceMs);
      attempt.whenReturned(() => {
        kept--;
        clearTimeout(timer);
        free(attempt.due);
      });
    },
  };
}
