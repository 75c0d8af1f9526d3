import type { ClientConfig } from 'pg';
import { clientClass } from './client.ts';
import type { Database } from './pool.ts';
import { channelOf, schemasOf, type Topic } from './schemas.ts';
import { prepareSession } from './session.ts';

/** A separate connection that receives notifications and can also run statements. */
export type ListenConnection = {
  database: Database;
  /** Ends it without waiting for an answer, which may never come. */
  destroy(): void;
};

export type ListenOptions = {
  connection: ClientConfig;
  /** The limit for connecting, and for each statement. */
  timeoutMs: number;
  /** The listener of each topic. */
  topics: Partial<Record<Topic, (payload: string) => void>>;
  /** The connection broke and cannot be used any more. */
  onBroken: () => void;
};

/**
 * Connects and listens. Throws if that takes longer than `timeoutMs`. The caller must run a
 * statement from time to time: only that shows that the connection is half-open.
 */
export async function connectListener(options: ListenOptions): Promise<ListenConnection> {
  const { connection, timeoutMs } = options;
  const schemas = schemasOf(connection);
  const channels = new Map(
    Object.entries(options.topics).map(([topic, hear]) => [channelOf(topic as Topic, schemas), hear]),
  );
  const client = new (clientClass(schemas))({
    ...connection,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  });
  const destroy = (): void => {
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  };
  client.on('error', () => {
    destroy();
    options.onBroken();
  });
  client.on('notification', ({ channel, payload }) => channels.get(channel)?.(payload ?? ''));
  try {
    await client.connect();
    await prepareSession(client, { statementTimeoutMs: timeoutMs, withinMs: timeoutMs });
    await client.query([...channels.keys()].map((channel) => `listen ${channel}`).join('; '));
    return { database: client, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}
