import { setTimeout as pause } from 'node:timers/promises';
import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { ErrandError } from '../../core/errors.ts';
import type { Change } from '../../store/changes.ts';
import { keepListening } from './listening.ts';

/** The ledger is read now and then, whatever is heard: at first soon, as what was begun before us may be unannounced. */
const FIRST_LOOK_MS = 250;
const LAST_LOOK_MS = 5_000;
/** As long as nothing can be heard. */
const DEAF_LOOK_MS = 500;
const READY_MS = 5_000;
const READY_LOOK_MS = 20;

/** What somebody who waits for a task hears. */
export type Watch = {
  /** Resolves when the task may have changed since the last call, also when `signal` is aborted or `mostMs` have passed. */
  changed(signal: AbortSignal, mostMs?: number): Promise<void>;
  /** How often it may have changed so far: what was read at the same count is the same for all who watch it. */
  version(): number;
  close(): void;
};

/** Somebody who hears of all changes. `missed` says that some may have gone unheard. */
export type ChangeListener = { onChange: (change: Change) => void; onMissed: () => void };

/** What an API process hears of changes, by one connection for everybody, which is there while somebody watches. */
export type Feed = {
  watch(taskId: string): Watch;
  listen(listener: ChangeListener): () => void;
  /** Resolves when changes are heard of. Throws SERVICE_UNAVAILABLE when that takes too long. */
  ready(): Promise<void>;
  close(): void;
};

/** A task that is watched: by how many, who of them waits, and when it is looked at whatever is heard. */
type Watched = {
  version: number;
  watches: number;
  waiting: Set<() => void>;
  look: NodeJS.Timeout | null;
  lookMs: number;
};

/** Makes the feed of a process. It hears of a change once it is committed, whichever process made it. */
export function createFeed({ connection, log }: { connection: ClientConfig; log: Logger }): Feed {
  const tasks = new Map<string, Watched>();
  const listeners = new Set<ChangeListener>();
  const listening = keepListening({
    connection,
    log,
    isNeeded: () => tasks.size > 0 || listeners.size > 0,
    onChanges(changes) {
      for (const change of changes) {
        stir(tasks.get(change.id));
        for (const listener of listeners) listener.onChange(change);
      }
    },
    onLines(ids) {
      for (const id of ids) stir(tasks.get(id));
    },
    onConnected(isAgain) {
      for (const task of tasks.values()) stir(task);
      if (isAgain) for (const listener of listeners) listener.onMissed();
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
      for (const task of tasks.values()) stir(task);
    },
  };
}

function newlyWatched(): Watched {
  return { version: 0, watches: 0, waiting: new Set(), look: null, lookMs: FIRST_LOOK_MS };
}

function notReady(): ErrandError {
  const headers = { 'Retry-After': '1' };
  return new ErrandError('SERVICE_UNAVAILABLE', 'Changes can not be heard of right now: try again', {
    headers,
  });
}

function stir(task: Watched | undefined): void {
  if (task === undefined) return;
  if (task.look !== null) clearTimeout(task.look);
  task.look = null;
  task.version++;
  for (const wake of task.waiting) wake();
  task.waiting.clear();
}

/** One look for all who wait, so that they share what is read then. */
function lookLater(task: Watched, isUp: () => boolean): void {
  if (task.look !== null) return;
  const afterMs = isUp() ? task.lookMs : DEAF_LOOK_MS;
  task.lookMs = Math.min(task.lookMs * 2, LAST_LOOK_MS);
  task.look = setTimeout(() => stir(task), afterMs);
}

function watchOf(task: Watched, isUp: () => boolean, close: () => void): Watch {
  let seen = task.version;
  return {
    version: () => task.version,
    close,
    async changed(signal, mostMs) {
      if (task.version === seen && !signal.aborted) {
        lookLater(task, isUp);
        await stirred(task, signal, mostMs);
      }
      seen = task.version;
    },
  };
}

function stirred(task: Watched, signal: AbortSignal, mostMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      task.waiting.delete(wake);
      resolve();
    };
    const timer = mostMs === undefined ? undefined : setTimeout(wake, mostMs);
    signal.addEventListener('abort', wake, { once: true });
    task.waiting.add(wake);
  });
}
