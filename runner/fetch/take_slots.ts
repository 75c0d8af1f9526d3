import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import { DISPATCH_MS } from '../../core/dispatches.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import { type Starting, type Took, takeSlots } from '../../store/limits/slots.ts';
import { endDecided } from '../../store/operators/end_decided.ts';
import type { HandOn } from '../execute/hand_on.ts';
import { LONG_WAIT_MS, type Pace } from '../execute/pace.ts';
import { untilBack } from '../record/retry_until_available.ts';
import { LeaseLost } from '../record/write_outcomes.ts';
import type { Backlog } from './backlog.ts';
import type { Admission } from './start_limited.ts';

/** How long to wait until slots are asked for again while somebody else changes the task. */
const BUSY_MS = 5;
/** The maximum number of attempts whose slots one statement takes. */
const MAX_TOGETHER = 200;

export type TakerOptions = {
  pgPool: Pool;
  runnerId: number;
  log: Logger;
  handOn: HandOn;
  backlog: Backlog;
  pace: Pick<Pace, 'of'>;
};

/**
 * Takes slots of these keys for an attempt. `limit` is how many slots there can be. Calls `onWait` if the
 * attempt waits in the runner for slots of another one.
 */
export type Take = (attempt: DueAttempt, keys: Starting['keys'], how: TakeHow) => Promise<Admission>;

type TakeHow = {
  limit: number;
  /** Whether its start is counted: then the ledger must be asked. */
  isRated: boolean;
  /** Whether it has rules whose slots are freed at its end. */
  hasSlots: boolean;
  onWait: () => void;
};

/** Makes the function that takes slots in the ledger, many in one statement, or gets them within the runner. */
export function taker({ pgPool, runnerId, log, handOn, backlog, pace }: TakerOptions): Take {
  const takeTogether = batcher(
    async (starting: Starting[]): Promise<Took[]> => {
      const { live, took } = await untilBack(log, 'taking slots', () =>
        takeSlots(pgPool, runnerId, starting),
      );
      if (!live) throw new LeaseLost('no slots were taken: this runner is no longer live');
      return took;
    },
    { maxItems: MAX_TOGETHER, parallel: 2 },
  );

  /** If somebody else changes the task at this moment, to cancel it for example, that is over soon. */
  async function takeUnlessBusy(starting: Starting): Promise<Exclude<Took, 'busy'>> {
    for (;;) {
      const took = await takeTogether(starting);
      if (took !== 'busy') return took;
      await pause(BUSY_MS);
    }
  }

  /**
   * Attempts that may kill their runner get no slots of others, and hand none on. Nor do those whose starts
   * are counted.
   */
  async function takeAlone(
    attempt: DueAttempt,
    keys: Starting['keys'],
    { hasSlots }: TakeHow,
  ): Promise<Admission> {
    const took = await takeUnlessBusy({ id: attempt.id, dispatchId: attempt.dispatchId, keys });
    if (took !== 'taken') return { kind: took === 'full' ? 'gone' : took };
    return { kind: took, attempt: hasSlots ? { ...attempt, hasSlots } : attempt };
  }

  /**
   * The same for rules that end tasks: they decide about those that have slots in the ledger, so no slots are
   * handed on. After a crash before the tasks are ended, maintenance does it.
   */
  async function takeOrEnd(attempt: DueAttempt, keys: Starting['keys'], how: TakeHow): Promise<Admission> {
    const admission = await takeAlone(attempt, keys, how);
    if (admission.kind !== 'taken')
      await untilBack(log, 'ending tasks of a full limit', () => endDecided(pgPool));
    return admission;
  }

  async function takeOrGet(
    attempt: DueAttempt,
    keys: Starting['keys'],
    { limit, onWait }: TakeHow,
  ): Promise<Admission> {
    const { id, dispatchId, name } = attempt;
    const text = JSON.stringify(keys);
    const asked = handOn.request(text, limit, attempt.wasCalled === true ? 0 : waitMs(pace.of(name)));
    if (asked !== 'ask') onWait();
    const handed = asked === 'ask' ? asked : await backlog.within(name, asked);
    if (handed === 'over') return { kind: 'over' };
    if (handed !== 'ask')
      return { kind: 'taken', attempt: { ...attempt, hasSlots: true, slots: { ...handed, keys: text } } };
    let took: 'taken' | 'waits' | 'gone' = 'gone';
    try {
      const answer = await takeUnlessBusy({ id, dispatchId, keys });
      took = answer === 'full' ? 'gone' : answer;
    } finally {
      handOn.answered(text, took);
    }
    return took === 'taken'
      ? { kind: took, attempt: { ...attempt, hasSlots: true, slots: { id, dispatchId, keys: text } } }
      : { kind: took };
  }

  return (attempt, keys, how) => {
    if (keys.some(([, , whenFull]) => whenFull !== undefined)) return takeOrEnd(attempt, keys, how);
    return attempt.isSuspect || how.isRated ? takeAlone(attempt, keys, how) : takeOrGet(attempt, keys, how);
  };
}

/**
 * How long an attempt waits in its runner for slots of limits, by how long attempts of its name take. Short
 * ones wait as for a slot of the runner, and so do the first ones of a name. Others wait in the ledger at once:
 * it costs little beside them.
 */
function waitMs(typicalMs: number | undefined): number {
  return typicalMs === undefined || typicalMs < DISPATCH_MS ? LONG_WAIT_MS : 0;
}
