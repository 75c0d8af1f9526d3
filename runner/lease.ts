import type { ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../process/start.ts';
import { CANCEL_CHANNEL, heartbeat } from '../store/lease.ts';
import { connectListener, type ListenConnection } from '../store/listen.ts';
import { PAUSE_CHANNEL } from '../store/pauses.ts';
import { LEFT_CHANNEL } from '../store/rings.ts';

/** Heartbeats per lease: two may be lost without harm. */
const BEATS_PER_LEASE = 3;

export type LeaseOptions = {
  runnerId: number;
  leaseMs: number;
  connection: ClientConfig;
  inFlight: () => number;
  /** The task of one of our attempts, perhaps, is to be cancelled. */
  onCancel: (taskId: string) => void;
  /** Something was paused or resumed. */
  onPauses: () => void;
  /** Rings were left for newer runners. */
  onLeft: () => void;
  /** After each heartbeat that went well. */
  onBeat: () => void;
  /** Somebody has taken our work over. */
  onLost: () => void;
  log: Logger;
};

export type Lease = { close(): Promise<void> };

/**
 * Keeps the lease of a runner with heartbeats, and listens for cancelled tasks, pauses and rings that were left, on a connection of its
 * own: a pool whose connections are all taken must not cost the lease. A heartbeat that gets no answer in time is a
 * half-open connection, which is destroyed and replaced.
 */
export function keepLease(options: LeaseOptions): Lease {
  const beatMs = options.leaseMs / BEATS_PER_LEASE;
  let current: ListenConnection | null = null;
  let beating = Promise.resolve();
  let closed = false;

  function connect(): Promise<ListenConnection> {
    return connectListener({
      connection: options.connection,
      timeoutMs: beatMs,
      channels: {
        [CANCEL_CHANNEL]: options.onCancel,
        [PAUSE_CHANNEL]: () => options.onPauses(),
        [LEFT_CHANNEL]: () => options.onLeft(),
      },
      onBroken: () => {
        current = null;
      },
    });
  }

  function drop(): void {
    current?.destroy();
    current = null;
  }

  async function beat(): Promise<void> {
    if (closed) return;
    try {
      current ??= await connect();
      const { database } = current;
      const { live, cancelledTaskIds } = await heartbeat(database, options.runnerId, options.inFlight());
      if (closed) return;
      if (!live) {
        closed = true;
        options.onLost();
        return;
      }
      for (const id of cancelledTaskIds) options.onCancel(id);
      options.onBeat();
    } catch (error) {
      options.log.warn({ reason: messageOf(error) }, 'a heartbeat failed: trying again on a new connection');
      drop();
    }
  }

  const timer = setInterval(() => {
    beating = beating.then(beat);
  }, beatMs);
  beating = beat();
  return {
    async close() {
      closed = true;
      clearInterval(timer);
      await beating;
      drop();
    },
  };
}
