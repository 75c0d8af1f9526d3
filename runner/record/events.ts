import type { Logger } from 'pino';
import type { SkipReason } from '../../core/schedules/skip_reasons.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import type { Recovery } from '../../store/attempts/recovery.ts';

/** Times of the schedules of one namespace that one tick submitted. */
export type SchedulesFired = {
  namespace: string;
  /** For each task: how many milliseconds after its due time it was submitted. */
  lagMs: readonly number[];
};

/** Times of the schedules of one namespace that one tick did not submit. */
export type SchedulesSkipped = {
  namespace: string;
  reason: SkipReason;
  /** How many times. Of a range that is too long to count: the bound of the counting. */
  times: number;
};

/** The events of a runner by name, with their arguments. */
export type RunnerEventMap = {
  /** The runner was registered: at its start, and again after it was presumed dead. */
  registered: [];
  /** Its lease was renewed. */
  renewed: [];
  /** An attempt of this task starts, `waitedMs` after it was due. */
  started: [name: string, waitedMs: number];
  /** A statement recorded outcomes. `counted` has the ids of the tasks whose outcomes counted. */
  recorded: [outcomes: readonly Outcome[], counted: ReadonlySet<string>];
  /** The runner took over the work of lost runners. */
  recovered: [recovery: Recovery];
  /** The runner ended tasks that had not started in time; their names. */
  expired: [names: readonly string[]];
  /** A handler with a limit does not return, so this process has to end. */
  deaf: [];
  /** A tick submitted the tasks of due times. */
  schedulesFired: [fired: readonly SchedulesFired[]];
  /** A tick left times out. */
  schedulesSkipped: [skipped: readonly SchedulesSkipped[]];
  /** A task that a schedule submitted ended as failed. `namespace` is that of the task and its schedule. */
  scheduleFailed: [namespace: string];
};

type Listener<Name extends keyof RunnerEventMap> = (...given: RunnerEventMap[Name]) => void;

/**
 * The events of a runner, which decouple its parts from the code that counts and measures.
 * Listeners are called synchronously for every task, so they must be quick.
 */
export type RunnerEvents = {
  on<Name extends keyof RunnerEventMap>(name: Name, listener: Listener<Name>): void;
  emit<Name extends keyof RunnerEventMap>(name: Name, ...given: RunnerEventMap[Name]): void;
};

/**
 * Makes the events of a process. If a listener throws, the error is logged: metrics must never stop
 * the work.
 */
export function createEvents(log: Logger): RunnerEvents {
  const listeners: { [Name in keyof RunnerEventMap]: Listener<Name>[] } = {
    registered: [],
    renewed: [],
    started: [],
    recorded: [],
    recovered: [],
    expired: [],
    deaf: [],
    schedulesFired: [],
    schedulesSkipped: [],
    scheduleFailed: [],
  };
  return {
    on(name, listener) {
      listeners[name].push(listener);
    },
    emit(name, ...given) {
      for (const listener of listeners[name]) {
        try {
          listener(...given);
        } catch (error) {
          log.error({ err: error, event: name }, 'a listener failed');
        }
      }
    },
  };
}
