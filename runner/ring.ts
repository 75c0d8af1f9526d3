import { randomUUID } from 'node:crypto';
import type { DueAttempt, Ring } from '../store/begin.ts';
import type { Slots } from './slots.ts';

/** How long a ring's attempts may wait for slots before they are given back, so that an idle runner gets them. */
const PATIENCE_MS = 1_000;

export type RingWork = {
  /** Which attempts of a ring are still due. */
  begin: (ring: Ring) => Promise<DueAttempt[]>;
  /** Executes an attempt; `onEnd` frees its slot; resolves when its outcome is recorded. */
  run: (attempt: DueAttempt, onEnd: () => void) => Promise<void>;
  /** Rings unstarted attempts anew, for any runner. */
  giveBack: (ring: { key: string; newKey: string; taskIds: string[] }) => Promise<void>;
  slots: Slots;
  /** A single slot that suspects take besides: those under which a runner has died start one at a time. */
  suspects: Slots;
  /** Whether a name is paused, as far as this runner knows. */
  isPaused: (name: string) => boolean;
  /** Reads what is paused. Resolves when rings of it are fetched no more. */
  heedPauses: () => Promise<void>;
  /** Aborted when the runner is leaving: nothing more is started. */
  stopping: AbortSignal;
};

/**
 * Works through one ring: begins it, runs its attempts as slots come free, gives back what has waited too long or is
 * paused (the tasks of a ring are all of one name), and is done when every outcome is recorded, so that
 * graphile-worker deletes the ring after the record and never before. After giving something back it also waits for
 * room: a runner without it must not fetch more.
 * Throws when an outcome could not be recorded; graphile-worker then keeps the ring, if it is still ours.
 */
export async function workRing(ring: Ring, work: RingWork): Promise<void> {
  const due = await work.begin(ring);
  // Before it is given back: a ring of a name that is still fetched would be here again at once, and so on.
  if (due.some(({ name, paused }) => paused && !work.isPaused(name))) await work.heedPauses();
  const recorded: Promise<void>[] = [];
  let patience: AbortSignal | undefined;
  const enter = async (slots: Slots): Promise<boolean> => {
    if (slots.tryTake()) return true;
    patience ??= AbortSignal.any([work.stopping, AbortSignal.timeout(PATIENCE_MS)]);
    return slots.take(patience);
  };
  const takeSlots = async ({ name }: DueAttempt, isSuspect: boolean): Promise<boolean> => {
    if (isSuspect && !(await enter(work.suspects))) return false;
    if (await enter(work.slots)) {
      if (!work.isPaused(name)) return true;
      work.slots.release();
    }
    if (isSuspect) work.suspects.release();
    return false;
  };
  for (const attempt of due) {
    const isSuspect = attempt.crashes > 0;
    if (work.stopping.aborted || attempt.paused || !(await takeSlots(attempt, isSuspect))) break;
    const run = runInSlot(attempt, work);
    // Not before its record: the next suspect may kill this runner, and must not take an innocent one with it.
    const record = isSuspect ? run.finally(work.suspects.release) : run;
    // Looked at below, when the others have started: until then Node would take a failure for one that nobody handles.
    record.catch(() => {});
    recorded.push(record);
  }
  const unstarted = due.slice(recorded.length).map((attempt) => attempt.id);
  if (unstarted.length > 0) {
    await work.giveBack({ key: ring.key, newKey: randomUUID(), taskIds: unstarted });
  }
  const outcomes = await Promise.allSettled(recorded);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  if (unstarted.length > 0) await work.slots.room(work.stopping);
}

/** Frees the slot once, at the end of the attempt or when that never began. */
function runInSlot(attempt: DueAttempt, work: RingWork): Promise<void> {
  let release = (): void => {
    release = () => {};
    work.slots.release();
  };
  return work.run(attempt, () => release()).finally(() => release());
}
