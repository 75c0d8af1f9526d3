import type { DueAttempt } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';

/**
 * What became of an attempt before its start. `taken`: it has the slots of its limits. `waits`: its
 * task waits for them, without a dispatch. `gone`: its task no longer names the dispatch. Or the
 * outcome of one whose keys cannot be computed.
 */
export type Admission =
  | { kind: 'taken'; attempt: DueAttempt }
  | { kind: 'waits' | 'gone' }
  | { kind: 'refused'; outcome: Outcome };

/** The parts of a runner that start attempts with limits. */
export type LimitedWork = {
  /** Whether nothing more of this name may start here, because of a pause or a stop. */
  isHeld(attempt: DueAttempt): boolean;
  /** Takes a slot of the runner for an attempt; only if one is free now, unless it may wait. */
  place(attempt: DueAttempt, mayWait: boolean): Promise<boolean>;
  unplace(attempt: DueAttempt): void;
  /** Takes the slots of the limits in the ledger. */
  admit(attempts: readonly DueAttempt[]): Promise<Admission[]>;
  /** Executes an attempt in its slots. */
  run(attempt: DueAttempt): Promise<void>;
  refuse(outcome: Outcome): void;
};

/**
 * Starts attempts of one name with limits, in order: as many as the runner has free slots for, then
 * the next ones. An attempt has a slot of the runner first, so it never keeps one of a limit while
 * it waits. Gives a promise for the end of each that has started, and those that were not tried,
 * which must be requeued.
 */
export async function startLimited(
  due: readonly DueAttempt[],
  work: LimitedWork,
): Promise<{ executed: Promise<void>[]; rest: readonly DueAttempt[] }> {
  const executed: Promise<void>[] = [];
  let next = 0;
  while (next < due.length) {
    const placed = await placeFirst(due.slice(next), work);
    if (placed.length === 0) break;
    next += placed.length;
    const admissions = await admitted(placed, work);
    for (const [index, admission] of admissions.entries()) {
      if (admission.kind === 'taken') executed.push(begun(admission.attempt, work));
      else {
        const attempt = placed[index];
        if (attempt !== undefined) work.unplace(attempt);
        if (admission.kind === 'refused') work.refuse(admission.outcome);
      }
    }
  }
  return { executed, rest: due.slice(next) };
}

/** The first ones that get a slot of the runner. Only the very first may wait for it. */
async function placeFirst(due: readonly DueAttempt[], work: LimitedWork): Promise<DueAttempt[]> {
  const placed: DueAttempt[] = [];
  for (const attempt of due) {
    if (work.isHeld(attempt) || !(await work.place(attempt, placed.length === 0))) break;
    placed.push(attempt);
    if (!work.isHeld(attempt)) continue;
    // It was paused while it waited.
    placed.pop();
    work.unplace(attempt);
    break;
  }
  return placed;
}

async function admitted(placed: readonly DueAttempt[], work: LimitedWork): Promise<Admission[]> {
  try {
    return await work.admit(placed);
  } catch (error) {
    for (const attempt of placed) work.unplace(attempt);
    throw error;
  }
}

/** Until all have started nobody awaits it: Node would treat a failure as unhandled. */
function begun(attempt: DueAttempt, work: LimitedWork): Promise<void> {
  const end = work.run(attempt);
  end.catch(() => {});
  return end;
}
