import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import { freeSlots, type OfSlots } from '../../store/limits/slots.ts';
import { holdLimitKey } from '../../store/limits/timed_calls.ts';
import type { RunnerEvents } from '../record/events.ts';
import { untilBack } from '../record/retry_until_available.ts';
import type { HandOn } from './hand_on.ts';
import { bindingsOf, type HeldSlots } from './run_attempt.ts';

/** The maximum number of attempts whose slots one statement frees. */
const FREED_TOGETHER = 200;

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
  handOn: HandOn;
}): HeldSlots & {
  /** Whether the handler of an attempt that has ended still runs. */
  areKept(): boolean;
} {
  const { pgPool, runnerId, graceMs, events, log, handOn } = options;

  let kept = 0;

  const freeTogether = batcher(
    async (attempts: OfSlots[]): Promise<null[]> => {
      await untilBack(log, 'freeing slots', () => freeSlots(pgPool, runnerId, attempts));
      return attempts.map(() => null);
    },
    { maxItems: FREED_TOGETHER },
  );

  function free(due: DueAttempt): void {
    if (handOn.handOn(due)) return;
    release(due);
  }

  function release(due: DueAttempt): void {
    freeTogether(due.slots ?? due).catch((error: unknown) => {
      // The end of the runner frees them.
      log.error({ err: error, ...bindingsOf(due) }, 'could not free the slots of an attempt');
    });
  }

  return {
    free,
    async hold(due, ms) {
      const { holdKey } = due;
      if (holdKey === undefined) return;
      handOn.stop(due);
      await untilBack(log, 'holding a limit', () => holdLimitKey(pgPool, holdKey, ms));
      options.onHold();
    },
    handOn: handOn.handOn,
    areKept: () => kept > 0,
    keep(attempt) {
      kept++;
      handOn.keep(attempt.due);
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
        release(attempt.due);
      });
    },
  };
}
