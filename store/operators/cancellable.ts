import { Client, type Pool, type PoolClient } from 'pg';
import type { Connections } from '../database/pool.ts';

const CANCEL_TIMEOUT_MS = 2_000;

/** The internals of a `pg` client that show which backend serves it. They are not in its types. */
type Backend = { processID: number | null };

/** How a request may use a pool. */
export type PoolUse = {
  /**
   * Waits until the request may have a connection. Gives the function to call when it needs none
   * any more.
   */
  turn?: ((signal: AbortSignal) => Promise<() => void>) | undefined;
  /** How long the request may keep a connection. */
  limitMs?: number | undefined;
};

/**
 * A pool for one request. When `signal` is aborted, the running statement is cancelled in Postgres,
 * which answers with 57014, and no further one is started. A connection returns to the pool only
 * after its cancellation, so that it never cancels another request's statement.
 */
export function cancellable(
  pool: Pool,
  signal: AbortSignal,
  { turn = async () => () => {}, limitMs }: PoolUse = {},
): Connections {
  async function connect(): Promise<PoolClient> {
    signal.throwIfAborted();
    const endTurn = await turn(signal);
    try {
      const client = await pool.connect();
      if (signal.aborted) client.release();
      signal.throwIfAborted();
      const bound = limitMs === undefined ? signal : AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
      return withCancel(pool, client, bound, endTurn);
    } catch (error) {
      endTurn();
      throw error;
    }
  }
  async function query(...statement: unknown[]): Promise<unknown> {
    const client = await connect();
    try {
      const result: unknown = await (client.query as (...all: unknown[]) => unknown)(...statement);
      client.release();
      return result;
    } catch (error) {
      // As the pool itself does: a client that failed is in an unknown state.
      client.release(true);
      throw error;
    }
  }
  return { connect: connect as Connections['connect'], query: query as Connections['query'] };
}

function withCancel(pool: Pool, client: PoolClient, signal: AbortSignal, endTurn: () => void): PoolClient {
  let cancelling: Promise<void> | null = null;
  const onAbort = (): void => {
    const { processID } = client as unknown as Backend;
    if (processID !== null) cancelling = cancelBackend(pool, processID);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  const release = client.release.bind(client);
  const query = client.query.bind(client);
  return Object.create(client, {
    query: { value: query },
    release: {
      value: (destroy?: boolean) => {
        signal.removeEventListener('abort', onAbort);
        endTurn();
        if (cancelling === null) release(destroy);
        else void cancelling.then(() => release(destroy));
      },
    },
  }) as PoolClient;
}

/**
 * Cancels on a separate connection, because all connections of the pool may be in use. If that
 * fails, statement_timeout ends the statement.
 */
async function cancelBackend(pool: Pool, processId: number): Promise<void> {
  const client = new Client({ ...pool.options, connectionTimeoutMillis: CANCEL_TIMEOUT_MS });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select pg_cancel_backend($1)', [processId]);
  } catch {
    // Postgres is away, and with it the statement.
  } finally {
    await client.end().catch(() => {});
  }
}
