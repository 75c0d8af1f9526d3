import type { Logger } from 'pino';
import type { Outcome } from '../store/outcomes.ts';
import type { Recovery } from '../store/recovery.ts';

/** What happens in a runner, by name, and what is told of it. */
export type Happenings = {
  /** It is in the pool: at its start, and again after it was presumed dead. */
  registered: [];
  /** Its lease was renewed. */
  renewed: [];
  /** An attempt of this task starts, this long after it was due. */
  started: [name: string, waitedMs: number];
  /** A statement recorded outcomes; `counted` are the tasks for which they did. One event for all of them. */
  recorded: [outcomes: readonly Outcome[], counted: ReadonlySet<string>];
  /** It took over the work of lost runners. */
  recovered: [recovery: Recovery];
};

type Listener<Name extends keyof Happenings> = (...told: Happenings[Name]) => void;

/**
 * Where the parts of a runner say what happens, without knowing who wants to know. Listeners are called at once,
 * on the way of every task: they must be quick.
 */
export type RunnerEvents = {
  on<Name extends keyof Happenings>(name: Name, listener: Listener<Name>): void;
  emit<Name extends keyof Happenings>(name: Name, ...told: Happenings[Name]): void;
};

/** Makes the events of a process. A listener that throws is logged: figures must never stop the work. */
export function createEvents(log: Logger): RunnerEvents {
  const listeners: { [Name in keyof Happenings]: Listener<Name>[] } = {
    registered: [],
    renewed: [],
    started: [],
    recorded: [],
    recovered: [],
  };
  return {
    on(name, listener) {
      listeners[name].push(listener);
    },
    emit(name, ...told) {
      for (const listener of listeners[name]) {
        try {
          listener(...told);
        } catch (error) {
          log.error({ err: error, event: name }, 'a listener failed');
        }
      }
    },
  };
}
