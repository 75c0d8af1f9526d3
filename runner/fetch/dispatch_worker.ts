import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { batcher } from '../../core/concurrency/batcher.ts';
import { isNewer } from '../../core/definitions/version.ts';
import { runnerLimit } from '../../core/limits/rules.ts';
import { namespaceOf } from '../../core/task.ts';
import { requeue } from '../../store/attempts/dispatches.ts';
import { readHeld } from '../../store/attempts/hand_off.ts';
import { type Dispatch, type DueAttempt, loadDispatches } from '../../store/attempts/load.ts';
import { type Outcome, recordOutcomes } from '../../store/attempts/outcomes.ts';
import { isPlainSuccess, recordSuccesses } from '../../store/attempts/successes.ts';
import { mustBeFreed } from '../../store/limits/slots.ts';
import { deliver } from '../../tasks/webhook.deliver.task.ts';
import { createBatches } from '../execute/batches.ts';
import type { RegisteredHandler } from '../execute/execute.ts';
import { createHandOn, type HandOn } from '../execute/hand_on.ts';
import { heldSlots } from '../execute/held_slots.ts';
import { createPace, type Pace } from '../execute/pace.ts';
import { attemptRunner } from '../execute/run_attempt.ts';
import type { Running } from '../execute/running.ts';
import { createSlots } from '../execute/slots.ts';
import type { TaskLog } from '../execute/task_log.ts';
import type { RunnerEvents } from '../record/events.ts';
import { createRecorder, type Recorder } from '../record/recorder.ts';
import { untilBack } from '../record/retry_until_available.ts';
import { LeaseLost } from '../record/write_outcomes.ts';
import { type Backlog, createBacklog } from './backlog.ts';
import { type DispatchWork, workDispatch } from './dispatch.ts';
import { createHandOff, type HandOff } from './hand_off.ts';
import { createLimits } from './limits.ts';
import type { Pauses } from './pauses.ts';
import { createShare, type Places } from './share.ts';
import type { TimedCalls } from './timed_calls.ts';

/** Callbacks go to hosts of others, which may hang: they hold a quarter of the slots, but at least one. */
const DELIVERIES = 1 / 4;

export type DispatchWorkerOptions = {
  runnerId: number;
  pgPool: Pool;
  /** How many attempts run at a time. */
  concurrency: number;
  registeredHandlers: ReadonlyMap<string, RegisteredHandler>;
  taskLog: TaskLog;
  events: RunnerEvents;
  log: Logger;
  running: Running;
  /** How long a handler that was given up may take to return. */
  graceMs: number;
  pauses: Pauses;
  timedCalls: Pick<TimedCalls, 'look'>;
  /** Executes an attempt in its own process; null if the runner cannot start one. */
  processAlone: ((due: DueAttempt) => Promise<void>) | null;
  /** Aborted when the runner stops. */
  stopping: AbortSignal;
};

export type DispatchWorker = {
  work(dispatch: Dispatch): Promise<void>;
  /** The names whose dispatches are not fetched for now. */
  fullNames: FullNames;
  /** Whether the handler of an attempt that has ended still runs and keeps slots of limits. */
  keepsSlots(): boolean;
  /** How many outcomes wait to be recorded. */
  outcomesBuffered(): number;
  /** How many tasks that were handed off are in hand. */
  handedOff(): number;
  /** Resolves when no task that was handed off is in hand. Call it when no dispatch is worked through any more. */
  stop(): Promise<void>;
};

/** Makes the function that works through a dispatch: load, execute in slots, record, requeue. */
export function dispatchWorker(options: DispatchWorkerOptions): DispatchWorker {
  const { runnerId: id, pgPool, log, registeredHandlers, pauses, stopping } = options;
  const slots = createSlots(options.concurrency);
  const alone = createSlots(1);
  const pace = createPace();
  const share = createShare(sharesOf(options), pace);
  const { limits, held, handOn } = limitsOf(options, pace);
  const requeueUnstarted = requeuer(options);
  const handOff = createHandOff({
    ...{ registeredHandlers, slots, pace, stopping, log, limited: limits.handedOff },
    isHeldBack: (name) => pauses.isPaused(name) || fullNames.isFull(name),
    work: (due) => workOn({ key: due.dispatchId, taskIds: [due.id] }, async () => [due]),
    readHeld: () => readHeld(pgPool, id),
    requeue: requeueUnstarted,
  });
  const recorder = reportingRecorder(options, handOn, handOff);
  const batches = createBatches({ pgPool, log, registeredHandlers, slots, stopping });
  const run = attemptRunner({ ...options, slots: held }, pace, slots.release);
  const loadTogether = batcher((dispatches: Dispatch[]) => loadDispatches(pgPool, dispatches), {
    maxItems: 100,
    parallel: 2,
  });

  async function runHere(due: DueAttempt, loadedAt: number): Promise<void> {
    const outcome = await run(due, loadedAt);
    if (outcome !== null) await recorder.open().add(outcome);
  }

  function work(dispatch: Dispatch): Promise<void> {
    return workOn(dispatch, () => untilBack(log, 'loading a dispatch', () => loadTogether(dispatch)));
  }

  function workOn(dispatch: Dispatch, load: () => Promise<DueAttempt[]>): Promise<void> {
    let loadedAt = 0;
    return workDispatch(dispatch, {
      async load() {
        const due = await load();
        loadedAt = performance.now();
        return due;
      },
      run: (due, seat) => run(due, loadedAt, seat),
      async runAlone(due) {
        if (options.processAlone === null) return runHere(due, loadedAt);
        try {
          await options.processAlone(due);
        } finally {
          slots.release();
          // If that process did not come to its start, it has not got them.
          if (due.hasSlots === true) held.free(due);
        }
      },
      openRecord: recorder.open,
      requeue: requeueUnstarted,
      isTooNew: ({ name, version }) =>
        isNewer(version, registeredHandlers.get(name)?.definition.version ?? version),
      ...{ slots, batches, alone, share, limits, pace },
      isPaused: pauses.isPaused,
      refreshPauses: () => untilBack(log, 'reading what is paused', pauses.refresh),
      stopping,
    });
  }

  const fullNames = eitherOf(share, limits.backlog);
  return {
    ...{ work, fullNames, keepsSlots: held.areKept, outcomesBuffered: recorder.buffered },
    ...{ handedOff: handOff.inHand, stop: handOff.stop },
  };
}

/** Requeues unstarted attempts; see DispatchWork. */
function requeuer({ pgPool, runnerId, log }: DispatchWorkerOptions): DispatchWork['requeue'] {
  return async (unstarted) => {
    const { live } = await untilBack(log, 'requeueing attempts', () => requeue(pgPool, runnerId, unstarted));
    if (!live) throw new LeaseLost('attempts were not requeued: this runner is no longer live');
  };
}

/**
 * Names that hold their full part of the slots, or of which too many attempts wait here for slots of limits.
 */
export type FullNames = Pick<Backlog, 'isFull' | 'onChange'>;

function eitherOf(...all: readonly FullNames[]): FullNames {
  return {
    isFull: (name) => all.some((one) => one.isFull(name)),
    onChange(listener) {
      for (const one of all) one.onChange(listener);
    },
  };
}

/** Limits that hold in the complete pool, and their slots that this runner holds. */
function limitsOf(options: DispatchWorkerOptions, pace: Pace) {
  const { pgPool, log, stopping } = options;
  const handOn = createHandOn(
    (keys) => untilBack(log, 'looking for waits', () => mustBeFreed(pgPool, keys)),
    stopping,
  );
  const { look } = options.timedCalls;
  const held = heldSlots({ ...options, handOn, onHold: look });
  const limits = createLimits({
    ...options,
    handOn,
    backlog: createBacklog(),
    pace,
    free: held.free,
    onCounted: look,
  });
  return { handOn, held, limits };
}

/** The names that may hold only a part of the slots: deliveries, and those with a limit of this runner. */
function sharesOf({ concurrency, registeredHandlers }: DispatchWorkerOptions): Map<string, Places> {
  const shares = new Map<string, Places>();
  shares.set(deliver.name, { most: Math.max(1, Math.floor(concurrency * DELIVERIES)), isSoft: true });
  for (const [name, { definition }] of registeredHandlers) {
    const most = runnerLimit(definition.policy.concurrency);
    if (most !== undefined) shares.set(name, { most, isSoft: false });
  }
  return shares;
}

/** Records outcomes, starts what was handed off, and emits which outcomes were recorded. */
function reportingRecorder(
  { pgPool, runnerId, events, log }: DispatchWorkerOptions,
  handOn: HandOn,
  handOff: HandOff,
): Recorder {
  return createRecorder(async (outcomes) => {
    const recorded = await handOff.record(outcomes, (offer) =>
      outcomes.every(isPlainSuccess)
        ? recordSuccesses(pgPool, runnerId, outcomes, offer)
        : recordOutcomes(pgPool, runnerId, outcomes, offer),
    );
    const kept = new Set(recorded.held?.map(({ slots }) => slots?.dispatchId));
    for (const { hasSlots, slots } of outcomes)
      if (hasSlots && slots && !kept.has(slots.dispatchId)) handOn.freed(slots.keys);
    const ended = endedWith(outcomes, recorded.ended);
    if (ended.length === 0) events.emit('recorded', outcomes, recorded.ids);
    else
      events.emit(
        'recorded',
        [...outcomes, ...ended],
        new Set([...recorded.ids, ...ended.map(({ id }) => id)]),
      );
    for (const name of recorded.failedOfSchedules ?? []) events.emit('scheduleFailed', namespaceOf(name));
    return recorded;
  }, log);
}

/** The outcomes of the workflows that ended with the result of their last step. */
function endedWith(outcomes: readonly Outcome[], ended: ReadonlySet<string> | undefined): Outcome[] {
  if (ended === undefined || ended.size === 0) return [];
  return outcomes.flatMap((outcome) => {
    if (outcome.kind !== 'succeeded' || outcome.endsParent === undefined) return [];
    const { parentId, endsParent } = outcome;
    if (parentId === null || !ended.has(parentId)) return [];
    const { name, result } = endsParent;
    return [
      {
        ...outcome,
        ...{ id: parentId, name, result, parentId: null, hasChildren: true, durationMs: 0, lines: [] },
      },
    ];
  });
}
