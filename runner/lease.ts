import { Client, type ClientConfig } from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../process/start.ts';
import { CANCEL_CHANNEL, heartbeat } from '../store/lease.ts';

/** Heartbeats per lease: two may be lost without harm. */
const BEATS_PER_LEASE = 3;

export type LeaseOptions = {
  runnerId: number;
  leaseMs: number;
  connection: ClientConfig;
  inFlight: () => number;
  /** The task of one of our attempts, perhaps, is to be cancelled. */
  onCancel: (taskId: string) => void;
  /** After each heartbeat that went well. */
  onBeat: () => void;
  /** Somebody has taken our work over. */
  onLost: () => void;
  log: Logger;
};

export type Lease = { close(): Promise<void> };

/**
 * Keeps the lease of a runner with heartbeats, and listens for cancelled tasks, on a connection of its own: a
 * pool whose connections are all taken must not cost the lease. A heartbeat that gets no answer in time is a
 * half-open connection, which is destroyed and replaced.
 */
export function keepLease(options: LeaseOptions): Lease {
  const beatMs = options.leaseMs / BEATS_PER_LEASE;
  let client: Client | null = null;
  let beating = Promise.resolve();
  let closed = false;

  async function connect(): Promise<Client> {
    const opened = new Client({
      ...options.connection,
      connectionTimeoutMillis: beatMs,
      query_timeout: beatMs,
    });
    opened.on('error', () => drop(opened));
    opened.on('notification', ({ channel, payload }) => {
      if (channel === CANCEL_CHANNEL && payload !== undefined) options.onCancel(payload);
    });
    try {
      await opened.connect();
      await opened.query(`listen ${CANCEL_CHANNEL}`);
      return opened;
    } catch (error) {
      drop(opened);
      throw error;
    }
  }

  function drop(broken: Client): void {
    if (client === broken) client = null;
    // Not `end`, which would wait for an answer that may never come.
    (broken as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  async function beat(): Promise<void> {
    if (closed) return;
    try {
      client ??= await connect();
      const { live, cancelledTaskIds } = await heartbeat(client, options.runnerId, options.inFlight());
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
      if (client !== null) drop(client);
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
      if (client !== null) drop(client);
    },
  };
}
