import { assignDispatches, DISPATCH_MS, dispatchSize } from '../../core/dispatches.ts';
import type { Unstarted } from '../../store/attempts/dispatches.ts';
import type { Dispatch, DueAttempt } from '../../store/attempts/load.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import type { Seat } from '../execute/attempt.ts';
import type { Batches } from '../execute/batches.ts';
import { LONG_WAIT_MS, type Pace, SHORT_MS } from '../execute/pace.ts';
import type { Slots } from '../execute/slots.ts';
import { type WaitBudget, waitBudget } from '../execute/slots.ts';
import type { DispatchRecord } from '../record/recorder.ts';
import type { Limits } from './limits.ts';
import type { Share } from './share.ts';
import { startLimited } from './start_limited.ts';

/**
 * After this many crashes the attempt itself may be what kills its runners. It then runs alone, so
 * that it cannot hurt others, and others cannot hurt it. Only a task that crashed while it ran
 * alone can be quarantined (specification X4).
 */
const CRASHES_TO_RUN_ALONE = 2;
/** The unstarted rest of a dispatch is split into this many dispatches at most. */
const MAX_PARTS = 10;

export type DispatchWork = {
  /** Loads the attempts of the dispatch that are still due. */
  load: () => Promise<DueAttempt[]>;
  /**
   * Executes an attempt in the slot that was taken for it, and always frees the slot, or in its seat,
   * which it always leaves. Gives null if the attempt did not start because its task had been decided
   * before.
   */
  run: (attempt: DueAttempt, seat?: Seat | null) => Promise<Outcome | null>;
  /** Opens the record for the outcomes of one dispatch. */
  openRecord: () => DispatchRecord;
  /** Whether a task has a newer version than this runner's definition of its name. */
  isTooNew: (attempt: DueAttempt) => boolean;
  /**
   * Requeues unstarted attempts with new dispatches: for any runner, or for runners that are new
   * enough. Throws if this runner is no longer live.
   */
  requeue: (unstarted: Unstarted) => Promise<void>;
  /**
   * Executes an attempt in a process with no other attempt, in the slot that was taken for it, and
   * always frees the slot. Resolves when the outcome is recorded. Throws if the attempt did not
   * start.
   */
  runAlone: (attempt: DueAttempt) => Promise<void>;
  slots: Slots;
  /** The batches in which attempts of some names share a slot. */
  batches: Batches;
  /** A single extra slot for attempts that run alone. */
  alone: Slots;
  /** Limits the names that may hold only a part of the slots. */
  share: Pick<Share, 'tryTake' | 'release' | 'within'>;
  /** The limits that hold in the complete pool. */
  limits: Limits;
  pace: Pick<Pace, 'of'>;
  /** Whether a name is paused, as far as this runner knows. */
  isPaused: (name: string) => boolean;
  /**
   * Reads which names are paused. Resolves when the runner no longer fetches dispatches of these
   * names.
   */
  refreshPauses: () => Promise<void>;
  /** Aborted when the runner stops: nothing more is started. */
  stopping: AbortSignal;
};

/**
 * Works through one dispatch.
 *
 * - It loads the due attempts and hands tasks that are too new on to newer runners.
 * - It starts attempts as slots come free. (All tasks of a dispatch have the same name.)
 * - It requeues attempts that waited too long or whose name is paused.
 * - It resolves when every outcome is recorded. So graphile-worker deletes the dispatch after the
 *   record, never before.
 * - After it requeued something, or when attempts of the name take long, it also waits for a free
 *   slot: a runner without one must not fetch more.
 *
 * Throws if an outcome could not be recorded, or an attempt not requeued. graphile-worker then
 * keeps the dispatch, if it is still ours.
 */
export async function workDispatch(dispatch: Dispatch, work: DispatchWork): Promise<void> {
  const { executed, record, unstarted, handedOn, name } = await startDispatch(dispatch, work);
  const tasks = [...unstarted, ...handedOn];
  const requeued = tasks.length > 0 ? [work.requeue({ key: dispatch.key, tasks })] : [];
  const ended = await Promise.allSettled([...executed, ...requeued]);
  const written = await Promise.allSettled([record.written()]);
  const failure = [...ended, ...written].find((one) => one.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  // If the name was new, its pace is known only now that an attempt has ended.
  if (unstarted.length > 0 || takesLong(work, name)) await room(work);
}

/**
 * A function by itself, so that the announced attempts can be freed while the record is awaited:
 * there are thousands at a time.
 */
async function startDispatch(dispatch: Dispatch, work: DispatchWork) {
  const due = await work.load();
  // Refresh before requeueing: otherwise this runner would fetch the requeued dispatch again at
  // once, in a loop.
  if (due.some(({ name, paused }) => paused && !work.isPaused(name))) await work.refreshPauses();
  const known = due.filter((attempt) => !work.isTooNew(attempt));
  const record = work.openRecord();
  const first = known[0]?.name ?? '';
  const isPlain = !work.limits.isLimited(first) && !work.batches.isBatched(first);
  const { executed, rest } = await (isPlain ? start : startTogether)(known, record, work);
  const tooNew = known.length === due.length ? [] : due.filter(work.isTooNew);
  for (const attempt of [...rest, ...tooNew]) if (attempt.hasSlots === true) work.limits.freeUnused(attempt);
  return {
    ...{ executed, record },
    // The requeued tasks need the same version as this dispatch did.
    unstarted: inDispatches(rest, executed.length > 0, work).map((one) => ({
      ...one,
      needs: dispatch.needs ?? null,
    })),
    handedOn: inDispatchesByVersion(tooNew),
    name: known[0]?.name,
  };
}

/**
 * Splits unstarted attempts into new dispatches that take about DISPATCH_MS each, but into
 * MAX_PARTS at most: the first attempts of a process are slow, and small dispatches are never
 * joined again. If the pace of the name is unknown, the attempts that this dispatch has started
 * take at least DISPATCH_MS. If it has started none, nothing is known, and the dispatch is not
 * split.
 */
function inDispatches(
  rest: readonly DueAttempt[],
  isStarted: boolean,
  work: DispatchWork,
): Unstarted['tasks'] {
  const typicalMs = rest[0] && work.pace.of(rest[0].name);
  const size = dispatchSize(typicalMs ?? (isStarted ? DISPATCH_MS : undefined));
  return assignDispatches(
    rest.map(({ id }) => ({ id })),
    () => '',
    Math.max(size, Math.ceil(rest.length / MAX_PARTS)),
  );
}

/**
 * Puts tasks of the same version into one dispatch, which only runners with that version or a newer
 * one fetch.
 */
function inDispatchesByVersion(tooNew: readonly DueAttempt[]): Unstarted['tasks'] {
  const versions = tooNew.map(({ id, version }) => ({ id, needs: version }));
  return assignDispatches(versions, ({ needs }) => needs);
}

function takesLong({ pace }: DispatchWork, name: string | undefined): boolean {
  return name !== undefined && (pace.of(name) ?? 0) > DISPATCH_MS;
}

/**
 * Starts attempts in order as slots come free, until the wait budget is over or an attempt must not
 * start. Gives a promise for the end of each attempt, and those that did not start.
 */
async function start(
  due: readonly DueAttempt[],
  record: DispatchRecord,
  work: DispatchWork,
): Promise<Started> {
  const executed: Promise<void>[] = [];
  const waiting = waitingOf(work);
  for (const attempt of due) {
    if (work.stopping.aborted || attempt.paused) break;
    const isAlone = attempt.crashes >= CRASHES_TO_RUN_ALONE;
    if (!work.share.tryTake(attempt.name)) break;
    const isLet = !isAlone || work.alone.tryTake() || (await waiting.takeAlone());
    const hasSlot = isLet && (work.slots.tryTake() || (await waiting.takeSlot(attempt.name)));
    if (!hasSlot || work.isPaused(attempt.name)) {
      if (hasSlot) work.slots.release();
      if (isLet && isAlone) work.alone.release();
      work.share.release(attempt.name);
      break;
    }
    const end = work.share.within(attempt.name, () =>
      isAlone ? runAlone(attempt, work) : runPlain(attempt, record, work),
    );
    // These promises are awaited after all attempts have started. Until then Node would treat a
    // failure as an unhandled rejection.
    end.catch(() => {});
    executed.push(end);
  }
  waiting.close();
  return { executed, rest: due.slice(executed.length) };
}

/** A slot of the runner, or a seat in a batch that has one. */
type Place = { seat: Seat | null };

/**
 * The same for a name with limits in the complete pool, whose attempts need slots in the ledger, too, and for
 * a name with a batch handler, whose attempts share slots of the runner.
 */
async function startTogether(
  due: readonly DueAttempt[],
  record: DispatchRecord,
  work: DispatchWork,
): Promise<Started> {
  const waiting = waitingOf(work);
  const isAlone = ({ crashes }: DueAttempt): boolean => crashes >= CRASHES_TO_RUN_ALONE;
  /** By task id. */
  const places = new Map<string, Place>();
  const seatOf = ({ id }: DueAttempt): Seat | null => places.get(id)?.seat ?? null;
  function unplace(attempt: DueAttempt): void {
    const seat = seatOf(attempt);
    if (seat === null) work.slots.release();
    else seat.leave();
    if (isAlone(attempt)) work.alone.release();
    work.share.release(attempt.name);
  }
  async function place(attempt: DueAttempt, within: Waiting | null): Promise<boolean> {
    if (!work.share.tryTake(attempt.name)) return false;
    const isLet = !isAlone(attempt) || work.alone.tryTake() || (await within?.takeAlone()) === true;
    const taken = isLet ? await placeOf(attempt, within, work) : null;
    if (taken !== null) {
      places.set(attempt.id, taken);
      return true;
    }
    if (isLet && isAlone(attempt)) work.alone.release();
    work.share.release(attempt.name);
    return false;
  }
  const started = await startLimited(due, {
    isHeld: ({ name, paused }) => work.stopping.aborted || paused || work.isPaused(name),
    // Those that were called do not wait here.
    isBacklogged: ({ name, wasCalled }) => wasCalled !== true && work.limits.backlog.isFull(name),
    async backlogRoom({ name }) {
      return (await waiting.within(name, (budget) => work.limits.backlog.room(name, budget))) === true;
    },
    place: (attempt, mayWait) => place(attempt, mayWait ? waiting : null),
    async placeApart(attempt) {
      const own = waitingOf(work);
      return place(attempt, own).finally(own.close);
    },
    unplace,
    ahead: () => (work.limits.isRated(due[0]?.name ?? '') ? 0 : aheadOf(work, due[0]?.name)),
    admit: work.limits.admit,
    freeUnused: work.limits.freeUnused,
    run: (attempt) =>
      work.share.within(attempt.name, () =>
        isAlone(attempt) ? runAlone(attempt, work) : runPlain(attempt, record, work, seatOf(attempt)),
      ),
    refuse: (outcome) => void record.add(outcome),
  });
  waiting.close();
  return started;
}

/** The place of an attempt; null if none is free, or none comes free within the wait budget. */
async function placeOf(
  attempt: DueAttempt,
  waiting: Waiting | null,
  { batches, slots }: DispatchWork,
): Promise<Place | null> {
  const group = batches.isBatched(attempt.name) ? await batches.groupOf(attempt) : null;
  if (group === null) {
    const hasSlot = slots.tryTake() || (waiting !== null && (await waiting.takeSlot(attempt.name)));
    return hasSlot ? { seat: null } : null;
  }
  const seat = group.tryJoin() ?? (await waiting?.within(attempt.name, group.join)) ?? null;
  return seat === null ? null : { seat };
}

/** How many attempts of a name one slot executes within DISPATCH_MS; none if that is unknown. */
function aheadOf({ pace }: DispatchWork, name: string | undefined): number {
  const typicalMs = name === undefined ? undefined : pace.of(name);
  return typicalMs === undefined || typicalMs >= DISPATCH_MS ? 0 : dispatchSize(typicalMs);
}

type Started = { executed: Promise<void>[]; rest: readonly DueAttempt[] };

type Waiting = {
  takeSlot(name: string): Promise<boolean>;
  /** Waits as for a slot. `take` gives null if the wait budget is over first. */
  within<Taken>(name: string, take: (waitBudget: WaitBudget) => Promise<Taken | null>): Promise<Taken | null>;
  takeAlone(): Promise<boolean>;
  close(): void;
};

/**
 * How long a dispatch waits in total. It waits DISPATCH_MS for slots, since other runners may have
 * a free one. It waits longer if its attempts are so short that requeueing costs as much. It also
 * waits longer for the slot of attempts that run alone, since no other runner has more of these.
 */
function waitingOf(work: DispatchWork): Waiting {
  let current: WaitBudget | undefined;
  let currentMs = 0;
  function within(ms: number): WaitBudget {
    if (current !== undefined && ms <= currentMs) return current;
    current?.close();
    current = waitBudget(work.stopping, ms - currentMs);
    currentMs = ms;
    return current;
  }
  const takeWithin: Waiting['within'] = async (name, take) => {
    const taken = await take(within(DISPATCH_MS));
    const isShort = (work.pace.of(name) ?? SHORT_MS) < SHORT_MS;
    return taken === null && isShort ? take(within(LONG_WAIT_MS)) : taken;
  };
  return {
    within: takeWithin,
    async takeSlot(name) {
      const taken = await takeWithin(name, async (budget) => (await work.slots.take(budget)) || null);
      return taken === true;
    },
    takeAlone: () => work.alone.take(within(LONG_WAIT_MS)),
    close: () => current?.close(),
  };
}

/**
 * Waits until a slot is free, or a batch waits for more attempts. Each slot that comes free lets one waiting dispatch continue; if that
 * one then fetches nothing, the next one looks after LONG_WAIT_MS.
 */
async function room(work: DispatchWork): Promise<void> {
  let isThere = false;
  while (!isThere && !work.stopping.aborted) {
    const waiting = waitBudget(work.stopping, LONG_WAIT_MS);
    isThere = work.batches.isOpen() || (await work.slots.room(waiting));
    waiting.close();
  }
}

async function runPlain(
  attempt: DueAttempt,
  record: DispatchRecord,
  work: DispatchWork,
  seat: Seat | null = null,
): Promise<void> {
  const outcome = await work.run(attempt, seat);
  if (outcome !== null) void record.add(outcome);
}

async function runAlone(attempt: DueAttempt, work: DispatchWork): Promise<void> {
  try {
    await work.runAlone(attempt);
  } finally {
    work.alone.release();
  }
}
