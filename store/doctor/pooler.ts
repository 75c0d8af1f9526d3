import { Client, type ClientConfig } from 'pg';

const CONNECT_TIMEOUT_MS = 5_000;
/** A pooler that has no connection left lets a client wait. */
const STATEMENT_TIMEOUT_MS = 3_000;
const NOTIFIED_WITHIN_MS = 2_000;
/** A pooler may give a client the same connection twice in a row by chance. */
const ROUNDS = 5;

/** The host and the port that `pg` uses for this connection, from its URL or the PG* variables. */
export function serverAddress(connection: ClientConfig): { host: string; port: number } {
  const { host, port } = new Client(connection);
  return { host, port };
}

/** The way to the server, as it was seen. */
export type Way = {
  /**
   * `direct`; or a pooler between that gives each client its own connection (`session`), that gives
   * a connection to others after each transaction (`transaction`) or after each statement
   * (`statement`), or that had too few connections to find out (`unknown`).
   */
  pooling: 'direct' | 'session' | 'transaction' | 'statement' | 'unknown';
  /** The observation that shows it, for people. */
  evidence: string;
  /** Whether a client that listens gets notifications; null if nothing could be sent. */
  isNotified: boolean | null;
};

type Probe = Client & { processID: number | null };

/**
 * Looks for a pooler between this process and the server, with two separate plain connections.
 * A server sends each client its process id. If a statement then runs in another process, the id
 * was a pooler's. If two clients that are both connected run in one process, or one client runs in
 * two, the pooler takes connections away between transactions. `canNotify`: a standby cannot.
 * Throws if it can't connect.
 */
export async function examineWay(connection: ClientConfig, canNotify: boolean): Promise<Way> {
  const clients: Probe[] = [];
  const connect = async (): Promise<Probe> => {
    const client = new Client({
      ...connection,
      application_name: 'errand doctor',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: STATEMENT_TIMEOUT_MS,
    }) as Probe;
    client.on('error', () => {});
    clients.push(client);
    await client.connect();
    return client;
  };
  try {
    const first = await connect();
    const own = await backendOf(first);
    const second = await connect();
    const isPooled = own !== first.processID;
    const { pooling, evidence } = isPooled
      ? await modeOf(first, second)
      : { pooling: 'direct' as const, evidence: `this client and the server agree on its process, ${own}` };
    return { pooling, evidence, isNotified: canNotify ? await hearsOf(first, second) : null };
  } finally {
    for (const client of clients) end(client);
  }
}

async function backendOf(client: Probe): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return Number(rows[0]?.pid);
}

async function modeOf(first: Probe, second: Probe): Promise<Pick<Way, 'pooling' | 'evidence'>> {
  for (let round = 0; round < ROUNDS; round++) {
    try {
      const before = await backendOf(first);
      await second.query('begin');
      const other = await backendOf(second);
      if (other === before) {
        await second.query('rollback');
        return { pooling: 'transaction', evidence: `two clients ran in the same process, ${other}` };
      }
      const after = await backendOf(first);
      await second.query('rollback');
      if (after !== before)
        return {
          pooling: 'transaction',
          evidence: `one client ran in two processes, ${before} and ${after}`,
        };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      if (/statement pooling/i.test(message)) return { pooling: 'statement', evidence: message };
      return { pooling: 'unknown', evidence: `it gave no second connection: ${message}` };
    }
  }
  return { pooling: 'session', evidence: 'each client kept its own process of the server' };
}

/** Whether one of them gets what the other sends. Null if the server can't send now. */
async function hearsOf(listener: Probe, sender: Probe): Promise<boolean | null> {
  const channel = `errand_doctor_${process.pid}_${Math.floor(Math.random() * 1e9)}`;
  let timer: NodeJS.Timeout | undefined;
  try {
    const heard = new Promise<boolean>((resolve) => {
      listener.on('notification', (message) => {
        if (message.channel === channel) resolve(true);
      });
      timer = setTimeout(() => resolve(false), NOTIFIED_WITHIN_MS);
    });
    await listener.query(`listen ${channel}`);
    await sender.query('select pg_notify($1, $2)', [channel, '']);
    return await heard;
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
    await listener.query('unlisten *').catch(() => {});
  }
}

/** Without waiting for an answer: one of them may hang. */
function end(client: Probe): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}
