import { Client, type ClientConfig } from 'pg';
import type { Database } from './pool.ts';

/** A connection of its own that hears notifications, and can be asked things, too. */
export type ListenConnection = {
  database: Database;
  /** Ends it without waiting for an answer, which may never come. */
  destroy(): void;
};

export type ListenOptions = {
  connection: ClientConfig;
  /** For connecting, and for each statement. */
  timeoutMs: number;
  /** What is done for a notification, by channel. Channels are plain identifiers. */
  channels: Record<string, (payload: string) => void>;
  /** It broke and is of no more use. */
  onBroken: () => void;
};

/**
 * Connects and listens. Throws when that takes longer than `timeoutMs`. Whoever keeps it must ask it something now and
 * then: only that shows that the other end is gone without a word.
 */
export async function connectListener(options: ListenOptions): Promise<ListenConnection> {
  const { connection, timeoutMs, channels } = options;
  const client = new Client({ ...connection, connectionTimeoutMillis: timeoutMs, query_timeout: timeoutMs });
  const destroy = (): void => {
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  };
  client.on('error', () => {
    destroy();
    options.onBroken();
  });
  client.on('notification', ({ channel, payload }) => channels[channel]?.(payload ?? ''));
  try {
    await client.connect();
    await client.query(
      Object.keys(channels)
        .map((channel) => `listen ${channel}`)
        .join('; '),
    );
    return { database: client, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}
