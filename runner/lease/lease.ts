import type { ClientConfig } from 'pg';
import { batcher } from '../../core/concurrency/batcher.ts';
import { messageOf } from '../../process/start.ts';
import { heartbeat, readCancelled } from '../../store/attempts/lease.ts';
import { connectListener, type ListenConnection } from '../../store/database/listen.ts';
import type { Database } from '../../store/database/pool.ts';
import type { Blocked } from './blocked_loop.ts';

/** Heartbeats per lease: two may be lost without harm. */
const BEATS_PER_LEASE = 3;
/** How many tasks that were announced as cancelled one query reads. */
const MAX_IDS = 1_000;

export type LeaseOptions = {
  runnerId: number;
  leaseMs: number;
  connection: ClientConfig;
  inFlight: () => number;
  /** How late the event loop of the main thread was lately, in ms. */
  delayMs: () => number;
  /** Whether the event loop of the main thread is blocked. */
  blocked: () => Blocked | null;
  /** Whether an attempt of this task runs here. */
  isRunning: (taskId: string) => boolean;
  /** The ledger says that the task of one of our attempts is to be cancelled. */
  onCancel: (taskId: string) => void;
  /** Something was paused or resumed. */
  onPauses: () => void;
  /** Dispatches were handed on to newer runners. */
  onHandedOn: () => void;
  /** A schedule has changed. */
  onSchedules: () => void;
  /** Called after each successful heartbeat. */
  onBeat: () => void;
  /** Another process has taken our work over. */
  onLost: () => void;
  /** A heartbeat failed. */
  onTrouble: (reason: string) => void;
};

export type KeptLease = {
  /** Its connection, if it has one. */
  database(): Database | null;
  close(): Promise<void>;
};

/**
 * Keeps the lease of a runner with heartbeats, and listens for cancelled tasks, pauses,
 * dispatches that were handed on, and changed schedules. It has its own connection, so that an exhausted pool does not
 * cost the lease. If a heartbeat gets no answer in time, the connection is half-open: it is
 * destroyed and replaced.
 *
 * A notification only says that there may be something to read, since any role that may connect can
 * send one. So the attempts that must end are read from the ledger.
 */
export function keepLease(options: LeaseOptions): KeptLease {
  const beatMs = options.leaseMs / BEATS_PER_LEASE;
  let current: ListenConnection | null = null;
  let beating = Promise.resolve();
  let closed = false;
  // However many cancellations are announced, only one read runs at a time.
  const endCancelled = batcher(
    async (ids: string[]) => {
      if (closed || current === null) return ids;
      for (const id of await readCancelled(current.database, ids)) options.onCancel(id);
      return ids;
    },
    { maxItems: MAX_IDS },
  );

  function doubt(taskId: string): void {
    // The next heartbeat reads it too.
    if (options.isRunning(taskId)) endCancelled(taskId).catch(() => {});
  }

  const connect = (): Promise<ListenConnection> =>
    listen(options, beatMs, doubt, () => {
      current = null;
    });

  function drop(): void {
    current?.destroy();
    current = null;
  }

  async function beat(): Promise<void> {
    if (closed) return;
    try {
      current ??= await connect();
      const { database } = current;
      const { live, cancelledTaskIds } = await heartbeat(database, options.runnerId, options.inFlight(), {
        ...{ delayMs: options.delayMs(), blocked: options.blocked() },
      });
      if (closed) return;
      if (!live) {
        closed = true;
        options.onLost();
        return;
      }
      for (const id of cancelledTaskIds) options.onCancel(id);
      options.onBeat();
    } catch (error) {
      options.onTrouble(messageOf(error));
      drop();
    }
  }

  const timer = setInterval(() => {
    beating = beating.then(beat);
  }, beatMs);
  beating = beat();
  return {
    database: () => current?.database ?? null,
    async close() {
      closed = true;
      clearInterval(timer);
      await beating;
      drop();
    },
  };
}

function listen(
  options: LeaseOptions,
  timeoutMs: number,
  onCancelled: (taskId: string) => void,
  onBroken: () => void,
): Promise<ListenConnection> {
  return connectListener({
    ...{ connection: options.connection, timeoutMs, onBroken },
    topics: {
      cancel: onCancelled,
      pause: () => options.onPauses(),
      handed_on: () => options.onHandedOn(),
      schedule: () => options.onSchedules(),
    },
  });
}
