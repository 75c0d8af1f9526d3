import { Client, type ClientConfig } from 'pg';
import { CANCEL_CHANNEL } from './lease.ts';
import { PAUSE_CHANNEL } from './pauses.ts';
import type { Database } from './pool.ts';

/** The connection of a runner's lease: nobody else's, and it hears of cancelled tasks and pauses. */
export type LeaseConnection = {
  database: Database;
  /** Ends it without waiting for an answer, which may never come. */
  destroy(): void;
};

export type LeaseConnectionOptions = {
  connection: ClientConfig;
  /** For connecting, and for each statement. */
  timeoutMs: number;
  onCancelled: (taskId: string) => void;
  /** Something was paused or resumed. */
  onPauses: () => void;
  /** It broke and is of no more use. */
  onBroken: () => void;
};

/** Connects and listens. Throws when that takes longer than `timeoutMs`. */
export async function connectLease(options: LeaseConnectionOptions): Promise<LeaseConnection> {
  const { connection, timeoutMs } = options;
  const client = new Client({ ...connection, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  const destroy = (): void => {
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  };
  client.on('error', () => {
    destroy();
    options.onBroken();
  });
  client.on('notification', ({ channel, payload }) => {
    if (channel === CANCEL_CHANNEL && payload !== undefined) options.onCancelled(payload);
    if (channel === PAUSE_CHANNEL) options.onPauses();
  });
  try {
    await client.connect();
    await client.query(`listen ${CANCEL_CHANNEL}; listen ${PAUSE_CHANNEL}`);
    return { database: client, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}
