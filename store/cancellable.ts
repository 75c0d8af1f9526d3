import { Client, type Pool, type PoolClient } from 'pg';
import type { Connections } from './pool.ts';

const CANCEL_TIMEOUT_MS = 2_000;

/** What of a `pg` client tells which backend serves it; not in its types. */
type Backend = { processID: number | null };

/**
 * A pool as one request sees it: when `signal` is aborted, the statement that runs for it is cancelled in Postgres,
 * which answers with 57014, and no further one is begun. A connection goes back only when its cancellation is over,
 * so that it never hits somebody else's statement.
 */
export function cancellable(pool: Pool, signal: AbortSignal): Connections {
  async function connect(): Promise<PoolClient> {
    signal.throwIfAborted();
    const client = await pool.connect();
    if (signal.aborted) client.release();
    signal.throwIfAborted();
    return withCancel(pool, client, signal);
  }
  async function query(...statement: unknown[]): Promise<unknown> {
    const client = await connect();
    try {
      const result: unknown = await (client.query as (...all: unknown[]) => unknown)(...statement);
      client.release();
      return result;
    } catch (error) {
      // As the pool itself does: a client that failed is in a state that nobody knows.
      client.release(true);
      throw error;
    }
  }
  return { connect: connect as Connections['connect'], query: query as Connections['query'] };
}

function withCancel(pool: Pool, client: PoolClient, signal: AbortSignal): PoolClient {
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
        if (cancelling === null) release(destroy);
        else void cancelling.then(() => release(destroy));
      },
    },
  }) as PoolClient;
}

/** On a connection of its own: all of the pool's may be taken. What fails here is left to statement_timeout. */
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
