import type { Socket } from 'node:net';
import type { Pool, PoolClient } from 'pg';

const CHECK_EVERY_MS = 500;

/** What of a `pg` client tells whether it waits for an answer; not in its types. */
type Internals = { readyForQuery: boolean; connection: { stream: Socket } };
type Watched = { client: Internals; read: number; silentSince: number | null };

/**
 * Destroys connections of a pool that have been asked something and say nothing for `limitMs`: half-open ones,
 * whose other end is gone without a word. TCP itself would take a quarter of an hour to notice, and a client that
 * waits is never usable again (node-postgres#3399), so it must not go back to the pool. What waited on it gets an
 * error and is tried again. A connection that only listens asks nothing and is left alone.
 *
 * `limitMs` must be above statement_timeout: until then Postgres may just be busy. Gives a function that stops it.
 */
export function watchConnections(pool: Pool, limitMs: number): () => void {
  const watched = new Map<PoolClient, Watched>();
  const onConnect = (client: PoolClient): void => {
    watched.set(client, { client: client as unknown as Internals, read: 0, silentSince: null });
  };
  const onRemove = (client: PoolClient): void => {
    watched.delete(client);
  };
  pool.on('connect', onConnect);
  pool.on('remove', onRemove);
  const timer = setInterval(() => {
    for (const connection of watched.values()) check(connection, limitMs);
  }, CHECK_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    pool.off('connect', onConnect);
    pool.off('remove', onRemove);
  };
}

function check(watched: Watched, limitMs: number): void {
  const { readyForQuery, connection } = watched.client;
  const now = performance.now();
  const { bytesRead } = connection.stream;
  if (readyForQuery || bytesRead !== watched.read) watched.silentSince = null;
  else watched.silentSince ??= now;
  watched.read = bytesRead;
  if (watched.silentSince !== null && now - watched.silentSince > limitMs) {
    const error = new Error(`the connection has been silent for ${limitMs} ms: given up`);
    connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
  }
}
