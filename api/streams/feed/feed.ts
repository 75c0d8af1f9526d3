import { setTimeout as pause } from 'node:timers/promises';
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { ErrandError } from '../../../core/errors.ts';
import type { HeardChange } from '../../../store/tasks/changes.ts';
import { keepListening } from './listening.ts';

/**
 * The ledger is read from time to time even without notifications. The first read comes soon, because a
 * change that began before we listened may not be announced.
 */
const FIRST_LOOK_MS = 250;
const LAST_LOOK_MS = 5_000;
/** The interval while the connection for notifications is down. */
const UNCONNECTED_LOOK_MS = 500;
const READY_MS = 5_000;
const READY_LOOK_MS = 20;

/** Counts what the change feed of this process does with the changes of tasks. */
export type CountChanges = {
  /** Changes that Postgres announced. */
  heard(changes: number): void;
  /** Messages about changes for WebSockets. */
  sent(messages: number): void;
  /** Gaps: some changes may not have been announced, and the readers were asked to read again. */
  missed(): void;
};

/** The view of a caller that waits for a task. */
export type Watch = {
  /**
   * Resolves when the task may have changed since the last call, when `signal` is aborted, or after `maxMs`.
   */
  changed(signal: AbortSignal, maxMs?: number): Promise<void>;
  /** The number of possible changes so far. Reads at the same version can be shared by all watchers. */
  version(): number;
  close(): void;
};

/** A listener to all changes. `onMissed` reports that some notifications may be lost. */
export type ChangeListener = { onChange: (change: HeardChange) => void; onMissed: () => void };

/**
 * Notifications of changes for an API process, over one connection for all callers. It is open while somebody
 * watches.
 */
export type Feed = {
  watch(taskId: string): Watch;
  listen(listener: ChangeListener): () => void;
  /** Resolves when notifications arrive. Throws SERVICE_UNAVAILABLE if that takes too long. */
  ready(): Promise<void>;
  close(): void;
};

/**
 * A watched task: its watchers, the waiting ones among them, and the timer for the next read without a
 * notification.
 */
type Watched = {
  version: number;
  watches: number;
  waiting: Set<() => void>;
  look: NodeJS.Timeout | null;
  lookMs: number;
};

/** Makes the feed of a process. It gets notified of each committed change, whichever process made it. */
export function createFeed({
  connection,
  log,
  count,
}: {
  connection: ClientConfig;
  log: Logger;
  count: Pick<CountChanges, 'heard' | 'missed'>;
}): Feed {
  const tasks = new Map<string, Watched>();
  const listeners = new Set<ChangeListener>();
  const listening = keepListening({
    connection,
    log,
    isNeeded: () => tasks.size > 0 || listeners.size > 0,
    onChanges(changes) {
      count.heard(changes.length);
      for (const change of changes) {
        wake(tasks.get(change.id));
        for (const listener of listeners) listener.onChange(change);
      }
    },
    onLines(ids) {
      for (const id of ids) wake(tasks.get(id));
    },
    onConnected(isAgain) {
      for (const task of tasks.values()) wake(task);
      if (!isAgain) return;
      count.missed();
      for (const listener of listeners) listener.onMissed();
    },
  });
  return {
    watch(taskId) {
      const task = tasks.get(taskId) ?? newlyWatched();
      tasks.set(taskId, task);
      task.watches++;
      task.lookMs = FIRST_LOOK_MS;
      listening.need();
      return watchOf(task, listening.isUp, () => {
        task.watches--;
        if (task.watches > 0) return;
        if (task.look !== null) clearTimeout(task.look);
        tasks.delete(taskId);
      });
    },
    listen(listener) {
      listeners.add(listener);
      listening.need();
      return () => listeners.delete(listener);
    },
    async ready() {
      const deadline = performance.now() + READY_MS;
      while (!listening.isUp()) {
        if (performance.now() > deadline) throw notReady();
        await pause(READY_LOOK_MS);
      }
    },
    close() {
      listening.close();
      for (const task of tasks.values()) wake(task);
    },
  };
}

function newlyWatched(): Watched {
  return { version: 0, watches: 0, waiting: new Set(), look: null, lookMs: FIRST_LOOK_MS };
}

function notReady(): ErrandError {
  const headers = { 'Retry-After': '1' };
  return new ErrandError(
    'SERVICE_UNAVAILABLE',
    'The API cannot receive notifications of changes at the moment: try again',
    {
      headers,
    },
  );
}

function wake(task: Watched | undefined): void {
  if (task === undefined) return;
  if (task.look !== null) clearTimeout(task.look);
  task.look = null;
  task.version++;
  for (const wake of task.waiting) wake();
  task.waiting.clear();
}

/** One timer for all waiting callers, so that they share the next read. */
function lookLater(task: Watched, isUp: () => boolean): void {
  if (task.look !== null) return;
  const afterMs = isUp() ? task.lookMs : UNCONNECTED_LOOK_MS;
  task.lookMs = Math.min(task.lookMs * 2, LAST_LOOK_MS);
  task.look = setTimeout(() => wake(task), afterMs);
}

function watchOf(task: Watched, isUp: () => boolean, close: () => void): Watch {
  let seen = task.version;
  return {
    version: () => task.version,
    close,
    async changed(signal, maxMs) {
      if (task.version === seen && !signal.aborted) {
        lookLater(task, isUp);
        await woken(task, signal, maxMs);
      }
      seen = task.version;
    },
  };
}

function woken(task: Watched, signal: AbortSignal, maxMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      task.waiting.delete(wake);
      resolve();
    };
    const timer = maxMs === undefined ? undefined : setTimeout(wake, maxMs);
    signal.addEventListener('abort', wake, { once: true });
    task.waiting.add(wake);
  });
}
