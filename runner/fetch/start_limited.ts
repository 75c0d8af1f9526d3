import type { DueAttempt } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';

/**
 * The result of the admission of an attempt. `taken`: it has the slots of its limits. `waits`: its
 * task waits for them, without a dispatch. `gone`: its task no longer names the dispatch. `over`: it has
 * waited in the runner for too long. Or the outcome of one whose keys cannot be computed.
 */
export type Admission =
  | { kind: 'taken'; attempt: DueAttempt }
  | { kind: 'waits' | 'gone' | 'over' }
  | { kind: 'refused'; outcome: Outcome };

/** The parts of a runner that start attempts with limits. */
export type LimitedWork = {
  /** Whether nothing more of this name may start here, because of a pause or a stop. */
  isHeld(attempt: DueAttempt): boolean;
  /** Whether too many attempts of the name wait here already for this one to wait, too. */
  isBacklogged(attempt: DueAttempt): boolean;
  /** Waits until that is no longer so. Gives false if it takes too long. */
  backlogRoom(attempt: DueAttempt): Promise<boolean>;
  /** Takes a slot of the runner for an attempt; only if one is free now, unless it may wait. */
  place(attempt: DueAttempt, mayWait: boolean): Promise<boolean>;
  /** The same with its own wait, beside that of others. */
  placeApart(attempt: DueAttempt): Promise<boolean>;
  unplace(attempt: DueAttempt): void;
  /**
   * How many attempts may be admitted together although they find no free slot of the runner: as many
   * as one slot executes within DISPATCH_MS, if that is known.
   */
  ahead(): number;
  /**
   * Takes the slots of the limits in the ledger, or gets them from an attempt that ends here. Calls `onWait`
   * if it waits for that.
   */
  admit(attempt: DueAttempt, onWait: () => void): Promise<Admission>;
  /** Frees them, because the attempt does not start here after all. */
  freeUnused(attempt: DueAttempt): void;
  /** Executes an attempt in its slots. */
  run(attempt: DueAttempt): Promise<void>;
  refuse(outcome: Outcome): void;
};

type Started = { executed: Promise<void>[]; rest: DueAttempt[] };

/** An attempt, and whether it has a slot of the runner. */
type Candidate = { attempt: DueAttempt; isPlaced: boolean };

/**
 * Starts attempts of one name with limits, in order. One round trip admits as many as the runner has
 * free slots for, and more if they are short: otherwise a slot would be idle for a round trip after
 * each. So an attempt has its slots of limits at most for the wait budget of its dispatch before it
 * starts. Those that wait for slots of others here let the next ones of the dispatch pass, and hold no
 * slot of the runner. Gives a promise for the end of each that has started, and those that must be
 * requeued.
 */
export async function startLimited(due: readonly DueAttempt[], work: LimitedWork): Promise<Started> {
  const started: Started = { executed: [], rest: [] };
  const waiting: Promise<void>[] = [];
  let next = 0;
  while (next < due.length && started.rest.length === 0) {
    const candidates = await nextCandidates(due.slice(next), work);
    if (candidates.length === 0) break;
    next += candidates.length;
    for (const one of await admitted(candidates, work)) {
      if (one.isDecided) await startAdmitted(one.candidate, one.admission, started, work);
      else {
        const later = startLater(one.candidate.attempt, one.admission, started, work);
        later.catch(() => {});
        waiting.push(later);
      }
    }
  }
  started.rest.push(...due.slice(next));
  await Promise.all(waiting);
  return started;
}

/** The first ones. Only the very first waits for a slot of the runner. */
async function nextCandidates(due: readonly DueAttempt[], work: LimitedWork): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  let ahead = work.ahead();
  for (const attempt of due) {
    if (work.isHeld(attempt)) break;
    // The very first one waits: a requeued dispatch would cost more than all that it waits for.
    if (work.isBacklogged(attempt) && (candidates.length > 0 || !(await work.backlogRoom(attempt)))) break;
    const isPlaced = await work.place(attempt, candidates.length === 0);
    if (!isPlaced && (candidates.length === 0 || ahead-- <= 0)) break;
    candidates.push({ attempt, isPlaced });
  }
  return candidates;
}

/** An attempt that is admitted or not, or waits for that in the runner. */
type Admitting = { candidate: Candidate } & (
  | { isDecided: true; admission: Admission }
  | { isDecided: false; admission: Promise<Admission> }
);

/** Admits candidates. Those that wait free their slots of the runner. */
async function admitted(candidates: readonly Candidate[], work: LimitedWork): Promise<Admitting[]> {
  const settled = await Promise.allSettled(candidates.map((candidate) => admitOne(candidate, work)));
  const failed = settled.find((one) => one.status === 'rejected');
  if (failed === undefined) return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  for (const { attempt, isPlaced } of candidates) if (isPlaced) work.unplace(attempt);
  throw failed.reason;
}

function admitOne(candidate: Candidate, work: LimitedWork): Promise<Admitting> {
  return new Promise((resolve, reject) => {
    const admission = work.admit(candidate.attempt, () => {
      if (candidate.isPlaced) work.unplace(candidate.attempt);
      candidate.isPlaced = false;
      // Not before `admission` is there.
      queueMicrotask(() => resolve({ candidate, isDecided: false, admission }));
    });
    admission.then((decided) => resolve({ candidate, isDecided: true, admission: decided }), reject);
  });
}

/** Starts an attempt that was admitted, as soon as it has a slot of the runner. */
async function startAdmitted(
  { attempt, isPlaced }: Candidate,
  admission: Admission,
  { executed, rest }: Started,
  work: LimitedWork,
  isApart = false,
): Promise<void> {
  if (admission.kind !== 'taken') {
    if (isPlaced) work.unplace(attempt);
    if (admission.kind === 'refused') work.refuse(admission.outcome);
    if (admission.kind === 'over') rest.push(attempt);
    return;
  }
  const place = (): Promise<boolean> => (isApart ? work.placeApart(attempt) : work.place(attempt, true));
  let hasPlace = isPlaced;
  if (!work.isHeld(attempt) && !hasPlace) hasPlace = await place();
  if (hasPlace && !work.isHeld(attempt)) {
    executed.push(begun(admission.attempt, work));
    return;
  }
  if (hasPlace) work.unplace(attempt);
  // If it came with slots, its dispatch frees them.
  if (attempt.hasSlots !== true) work.freeUnused(admission.attempt);
  rest.push(attempt);
}

async function startLater(
  attempt: DueAttempt,
  admission: Promise<Admission>,
  started: Started,
  work: LimitedWork,
): Promise<void> {
  await startAdmitted({ attempt, isPlaced: false }, await admission, started, work, true);
}

/** Until all have started nobody awaits it: Node would treat a failure as unhandled. */
function begun(attempt: DueAttempt, work: LimitedWork): Promise<void> {
  const end = work.run(attempt);
  end.catch(() => {});
  return end;
}
