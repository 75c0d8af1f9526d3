import { assignRings, RING_MS, ringSize } from '../core/rings.ts';
import type { DueAttempt, Ring } from '../store/begin.ts';
import type { Outcome } from '../store/outcomes.ts';
import type { Unstarted } from '../store/rings.ts';
import type { Pace } from './pace.ts';
import { type Patience, patience } from './patience.ts';
import type { RingRecord } from './recorder.ts';
import type { Slots } from './slots.ts';

/** Attempts that take less are over before giving them back would have paid, … */
const SOON_OVER_MS = 10;
/** … unless they wait for longer than this. */
const LONG_PATIENCE_MS = 1_000;
/** Into how many rings the rest of one is split at once. */
const MOST_PARTS = 10;

export type RingWork = {
  /** Which attempts of a ring are still due. */
  begin: (ring: Ring) => Promise<DueAttempt[]>;
  /**
   * Executes an attempt in the slot that was taken for it, which it frees in any case. Null when it did not start,
   * as it was decided about before.
   */
  run: (attempt: DueAttempt) => Promise<Outcome | null>;
  /** Where the outcomes of one ring go. */
  openRecord: () => RingRecord;
  /** Whether a task is of a newer version than this runner's definition of its name. */
  isTooNew: (attempt: DueAttempt) => boolean;
  /** Rings unstarted attempts anew, for any runner or for those that are new enough. Throws when this one is no longer live. */
  giveBack: (unstarted: Unstarted) => Promise<void>;
  slots: Slots;
  /** A single slot that suspects take besides: those under which a runner has died start one at a time. */
  suspects: Slots;
  pace: Pick<Pace, 'of'>;
  /** Whether a name is paused, as far as this runner knows. */
  isPaused: (name: string) => boolean;
  /** Reads what is paused. Resolves when rings of it are fetched no more. */
  heedPauses: () => Promise<void>;
  /** Aborted when the runner is leaving: nothing more is started. */
  stopping: AbortSignal;
};

/**
 * Works through one ring: begins it, leaves what is too new to runners that know it, runs its attempts as slots come free,
 * gives back what has waited too long or is paused (the tasks of a ring are all of one name), and is done when every outcome is recorded, so that
 * graphile-worker deletes the ring after the record and never before. After giving something back, and after what
 * takes long, it also waits for room: a runner without it must not fetch more.
 * Throws when an outcome could not be recorded or an attempt given back; graphile-worker then keeps the ring, if it is
 * still ours.
 */
export async function workRing(ring: Ring, work: RingWork): Promise<void> {
  const { executed, record, unstarted, left, name } = await startRing(ring, work);
  const tasks = [...unstarted, ...left];
  const givenBack = tasks.length > 0 ? [work.giveBack({ key: ring.key, tasks })] : [];
  const ended = await Promise.allSettled([...executed, ...givenBack]);
  const written = await Promise.allSettled([record.written()]);
  const failure = [...ended, ...written].find((one) => one.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  // Of a name that was new, only the end of an attempt tells how long it takes.
  if (unstarted.length > 0 || takesLong(work, name)) await room(work);
}

/** By itself, so that nothing holds what was announced while it is waited for the record: thousands are at a time. */
async function startRing(ring: Ring, work: RingWork) {
  const due = await work.begin(ring);
  // Before it is given back: a ring of a name that is still fetched would be here again at once, and so on.
  if (due.some(({ name, paused }) => paused && !work.isPaused(name))) await work.heedPauses();
  const known = due.filter((attempt) => !work.isTooNew(attempt));
  const record = work.openRecord();
  const executed = await start(known, record, work);
  const rest = known.slice(executed.length);
  return {
    ...{ executed, record },
    // For whom it was, it still is.
    unstarted: inRings(rest, executed.length > 0, work).map((one) => ({ ...one, needs: ring.needs ?? null })),
    left: known.length === due.length ? [] : inRingsByVersion(due.filter(work.isTooNew)),
    name: known[0]?.name,
  };
}

/**
 * Rings unstarted attempts anew, in rings of about RING_MS, but in MOST_PARTS at most: the first attempts of a process
 * are slow, and small rings are never joined again. While none of the name has ended, what this ring has started takes
 * RING_MS at least; of a ring that found no slot nobody knows, and it stays whole for who has one.
 */
function inRings(rest: readonly DueAttempt[], isStarted: boolean, work: RingWork): Unstarted['tasks'] {
  const typicalMs = rest[0] && work.pace.of(rest[0].name);
  const size = ringSize(typicalMs ?? (isStarted ? RING_MS : undefined));
  return assignRings(
    rest.map(({ id }) => ({ id })),
    () => '',
    Math.max(size, Math.ceil(rest.length / MOST_PARTS)),
  );
}

/** Those of one version share a ring, which only runners fetch that know it. */
function inRingsByVersion(tooNew: readonly DueAttempt[]): Unstarted['tasks'] {
  const versions = tooNew.map(({ id, version }) => ({ id, needs: version }));
  return assignRings(versions, ({ needs }) => needs);
}

function takesLong({ pace }: RingWork, name: string | undefined): boolean {
  return name !== undefined && (pace.of(name) ?? 0) > RING_MS;
}

/** Starts attempts in their order as slots come free, until patience is over or one must not start. Gives their ends. */
async function start(
  due: readonly DueAttempt[],
  record: RingRecord,
  work: RingWork,
): Promise<Promise<void>[]> {
  const executed: Promise<void>[] = [];
  const waiting = waitingOf(work);
  for (const attempt of due) {
    if (work.stopping.aborted || attempt.paused) break;
    const isSuspect = attempt.crashes > 0;
    if (isSuspect && !work.suspects.tryTake() && !(await waiting.takeSuspects())) break;
    const hasSlot = work.slots.tryTake() || (await waiting.takeSlot(attempt.name));
    if (!hasSlot || work.isPaused(attempt.name)) {
      if (hasSlot) work.slots.release();
      if (isSuspect) work.suspects.release();
      break;
    }
    const end = isSuspect ? runSuspect(attempt, record, work) : runPlain(attempt, record, work);
    // Looked at when all have started: until then Node would take a failure for one that nobody handles.
    end.catch(() => {});
    executed.push(end);
  }
  waiting.close();
  return executed;
}

type Waiting = {
  takeSlot(name: string): Promise<boolean>;
  takeSuspects(): Promise<boolean>;
  close(): void;
};

/**
 * How long a ring waits, in all: RING_MS for slots, since other runners may have room now, and longer when its attempts
 * end so soon that giving them back costs as much. No runner has more room for suspects, so for that it is longer, too.
 */
function waitingOf(work: RingWork): Waiting {
  let current: Patience | undefined;
  let currentMs = 0;
  function within(ms: number): Patience {
    if (current !== undefined && ms <= currentMs) return current;
    current?.close();
    current = patience(work.stopping, ms - currentMs);
    currentMs = ms;
    return current;
  }
  return {
    async takeSlot(name) {
      if (await work.slots.take(within(RING_MS))) return true;
      const isSoonOver = (work.pace.of(name) ?? SOON_OVER_MS) < SOON_OVER_MS;
      return isSoonOver && work.slots.take(within(LONG_PATIENCE_MS));
    },
    takeSuspects: () => work.suspects.take(within(LONG_PATIENCE_MS)),
    close: () => current?.close(),
  };
}

/** One is let go on for each slot that comes free; if that one finds nothing to fetch, the next looks a while later. */
async function room(work: RingWork): Promise<void> {
  let isThere = false;
  while (!isThere && !work.stopping.aborted) {
    const waiting = patience(work.stopping, LONG_PATIENCE_MS);
    isThere = await work.slots.room(waiting);
    waiting.close();
  }
}

async function runPlain(attempt: DueAttempt, record: RingRecord, work: RingWork): Promise<void> {
  const outcome = await work.run(attempt);
  if (outcome !== null) void record.add(outcome);
}

async function runSuspect(attempt: DueAttempt, record: RingRecord, work: RingWork): Promise<void> {
  try {
    const outcome = await work.run(attempt);
    // The next suspect may kill this runner, and must not take an innocent one with it.
    if (outcome !== null) await record.add(outcome);
  } finally {
    work.suspects.release();
  }
}
