import type { Socket } from 'node:net';
import { Client, type Pool, type PoolClient } from 'pg';

const CHECK_EVERY_MS = 500;
/**
 * Most statements are over by then. If one is not, Postgres is asked at growing intervals whether
 * it works on it.
 */
const ASK_AFTER_MS = 1_500;
/**
 * After this many answers in a row that Postgres is idle for a waiting connection, the connection
 * is dead. One answer is not enough: a statement may still be on its way.
 */
const IDLE_TO_GIVE_UP = 2;
const ASK_TIMEOUT_MS = 2_000;

/**
 * The internals of a `pg` client that show whether it waits for an answer, and from which backend.
 * They are not in its types.
 */
type Internals = { readyForQuery: boolean; processID: number | null; connection: { stream: Socket } };
type Watched = {
  client: Internals;
  read: number;
  silentSince: number | null;
  /** After how much silence Postgres is asked next. */
  askAfterMs: number;
  /** How often in a row Postgres was idle for it. */
  idle: number;
};

/**
 * Destroys connections of a pool that wait for an answer and receive nothing: half-open ones, whose
 * other end is gone. TCP itself would need a quarter of an hour to notice. A client that waits is
 * never usable again (node-postgres#3399), so it must not return to the pool. A statement that
 * waited on it gets an error and is tried again. A connection that only listens waits for no answer
 * and is left alone.
 *
 * After about two seconds Postgres is asked, on another connection, whether it works for the silent
 * one. If it has no such backend, or the backend waits for us, the connection is dead. If Postgres
 * cannot be asked, the connection is dead after `limitMs`, which must be longer than
 * statement_timeout: until then Postgres may only be busy. Gives a function that stops the watch.
 */
export function watchConnections(pool: Pool, limitMs: number): () => void {
  const watched = new Map<PoolClient, Watched>();
  const onConnect = (client: PoolClient): void => {
    watched.set(client, { client: client as unknown as Internals, read: 0, ...NOT_SILENT });
  };
  const onRemove = (client: PoolClient): void => {
    watched.delete(client);
  };
  pool.on('connect', onConnect);
  pool.on('remove', onRemove);
  let asking = false;
  const timer = setInterval(() => {
    const silent = [...watched.values()].filter((one) => silenceOf(one) > 0);
    for (const one of silent.filter((one) => silenceOf(one) > limitMs)) giveUp(one, `for ${limitMs} ms`);
    const suspects = silent.filter((one) => silenceOf(one) > one.askAfterMs);
    if (asking || suspects.length === 0) return;
    asking = true;
    void judge(pool, suspects).finally(() => {
      asking = false;
    });
  }, CHECK_EVERY_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    pool.off('connect', onConnect);
    pool.off('remove', onRemove);
  };
}

const NOT_SILENT = { silentSince: null, askAfterMs: ASK_AFTER_MS, idle: 0 };

/**
 * How long a connection has been waiting for an answer without receiving a byte, in milliseconds.
 */
function silenceOf(watched: Watched): number {
  const { readyForQuery, connection } = watched.client;
  const { bytesRead } = connection.stream;
  if (readyForQuery || bytesRead !== watched.read) Object.assign(watched, NOT_SILENT);
  else watched.silentSince ??= performance.now();
  watched.read = bytesRead;
  return watched.silentSince === null ? 0 : performance.now() - watched.silentSince;
}

function giveUp({ client }: Watched, howLong: string): void {
  const error = new Error(`the connection has been silent ${howLong}: given up`);
  client.connection.stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
}

async function judge(pool: Pool, suspects: Watched[]): Promise<void> {
  const since = suspects.map((one) => one.silentSince);
  const busy = await busyBackends(
    pool,
    suspects.map(({ client }) => client.processID ?? 0),
  );
  for (const [index, one] of suspects.entries()) {
    // It has received something meanwhile.
    if (silenceOf(one) === 0 || one.silentSince !== since[index]) continue;
    if (busy === null || busy.has(one.client.processID ?? 0)) {
      one.idle = 0;
      one.askAfterMs *= 2;
    } else if (++one.idle >= IDLE_TO_GIVE_UP) {
      giveUp(one, 'while Postgres has nothing to do for it');
    }
  }
}

/**
 * Which of these backends work, or may work. Null if that is unknown: Postgres does not answer, or
 * there is a pooler, which has its own process ids.
 */
async function busyBackends(pool: Pool, processIds: number[]): Promise<Set<number> | null> {
  const client = new Client({ ...pool.options, connectionTimeoutMillis: ASK_TIMEOUT_MS });
  client.on('error', () => {});
  const timer = setTimeout(() => {
    (client as unknown as Internals).connection.stream.destroy();
  }, 2 * ASK_TIMEOUT_MS);
  try {
    await client.connect();
    const { rows } = await client.query<{ own: number; busy: number[] }>(
      `select pg_backend_pid() as own,
              array(select pid from pg_stat_activity where pid = any ($1) and (state like 'idle%') is not true) as busy`,
      [processIds],
    );
    const { processID } = client as unknown as Internals;
    return rows[0]?.own === processID ? new Set(rows[0]?.busy) : null;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    await client.end().catch(() => {});
  }
}
