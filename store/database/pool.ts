import pRetry from 'p-retry';
import { type CustomTypesConfig, Pool, type PoolConfig, types } from 'pg';
import { clientClass } from './client.ts';
import { isoTime } from './iso_time.ts';
import { DEFAULT_SCHEMAS, type Schemas } from './schemas.ts';
import { prepareSession } from './session.ts';
import { watchConnections } from './watchdog.ts';

/** Codes after which the same statement can be tried again: deadlock and serialization failure. */
const TRANSIENT_CODES = new Set(['40P01', '40001']);

/**
 * After its statement timeout plus this Postgres must have answered, at least with a cancellation.
 */
const WATCHDOG_LEEWAY_MS = 1_000;
/**
 * After this much silence the kernel starts to check whether the other end exists. Its own default
 * is hours.
 */
const KEEP_ALIVE_AFTER_MS = 10_000;

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 30_000;
const ISO_DATE = /^\d{4,6}-/;

/**
 * Parses timestamps to ISO 8601 texts, as on the wire, and int8 to number (counts stay below 2^53).
 */
function typeParser(oid: number): (text: string) => unknown {
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.TIMESTAMPTZ) return timeOfColumn;
  return types.getTypeParser(oid, 'text');
}

/**
 * Throws for a text in another DateStyle, which would be read as another day: a pooler may give us
 * any session.
 */
function timeOfColumn(text: string): string {
  if (!ISO_DATE.test(text) && !text.endsWith('infinity'))
    throw new Error(`Postgres wrote a time as ${text}: its DateStyle must be ISO`);
  return isoTime(text);
}

/** The part of `pg` that statements need: a pool or one of its clients. */
export type Database = Pick<Pool, 'query'>;

/** The part of `pg` that transactions also need. */
export type Connections = Pick<Pool, 'query' | 'connect'>;

export type PoolOptions = {
  /** If undefined, `pg` reads the PG* variables. */
  connectionString: string | undefined;
  /** Where its statements go: what they call `errand` and `errand_worker`. */
  schemas?: Schemas | undefined;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** The maximum number of connections. */
  size: number;
  /** Postgres cancels a statement that takes longer. 0: no limit. */
  statementTimeoutMs: number;
  /** How long a caller waits for a connection. Default: 10 s. */
  connectTimeoutMs?: number;
  /** After this time without use a connection is closed. Default: 30 s. */
  idleTimeoutMs?: number;
  onError: (error: Error) => void;
};

/**
 * Opens a pool. Connections are made when they are needed. `onError` is called when an idle one
 * breaks.
 */
export function openPool(options: PoolOptions): Pool {
  const { schemas = DEFAULT_SCHEMAS, connectTimeoutMs = CONNECT_TIMEOUT_MS } = options;
  const config: PoolConfig = {
    ...(options.connectionString === undefined ? {} : { connectionString: options.connectionString }),
    schemas,
    Client: clientClass(schemas),
    application_name: options.applicationName,
    max: options.size,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    connectionTimeoutMillis: connectTimeoutMs,
    idleTimeoutMillis: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS,
    // pg-pool waits for the promise, and never gives out a connection whose session could not be
    // prepared.
    onConnect: (client) =>
      prepareSession(client, {
        statementTimeoutMs: options.statementTimeoutMs,
        withinMs: connectTimeoutMs,
      }),
    types: { getTypeParser: (oid: number) => typeParser(oid) } as CustomTypesConfig,
  };
  const pool = new Pool(config);
  pool.on('error', options.onError);
  // Without a listener, an error of a client in use would end the process.
  pool.on('connect', (client) => client.on('error', options.onError));
  if (options.statementTimeoutMs > 0) watchConnections(pool, options.statementTimeoutMs + WATCHDOG_LEEWAY_MS);
  return pool;
}

/** Whether the same statement can be tried again after this error. */
export function isTransient(error: unknown): boolean {
  return error instanceof Error && 'code' in error && TRANSIENT_CODES.has(String(error.code));
}

/**
 * Whether a statement timed out, for example while it waited for a lock. The same work in other
 * statements may succeed at once.
 */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '57014' || error.code === '55P03');
}

/** Whether a statement waited for a lock until its lock timeout. */
export function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}

/**
 * Whether Postgres cannot run any statement of this kind now: it is out of disk, memory or
 * connections (class 53), its disk fails (58), it is read-only, as after a failover (25006), or the
 * queue of notifications is full because a listener does not read.
 */
export function isUnable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  if (error.code === '54000') return 'routine' in error && error.routine === 'PreCommit_Notify';
  return /^(53|58|25006)/.test(String(error.code));
}

/**
 * Whether an error is about the values of a statement (data, constraint, limit) or was thrown by
 * our own code, so that trying again is useless. Any other error of Postgres may have a cause that
 * can be repaired from outside.
 */
export function isRefusal(error: unknown): boolean {
  if (isConnectionFailure(error) || isUnable(error) || isPoolFull(error)) return false;
  if (!(error instanceof Error) || !('code' in error)) return true;
  return /^(21|22|23|54)/.test(String(error.code));
}

/** Whether Postgres could not be reached or went away, rather than refused the statement. */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  // 08: connection exception, 57P: operator intervention (shutdown, crash), 53300: too many
  // connections.
  if (
    /^(08|57P|53300)/.test(code) ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)/.test(code)
  )
    return true;
  return /Connection terminated|Client has encountered a connection error/.test(error.message);
}

/**
 * Whether all connections of the pool were in use for too long. That says nothing about Postgres: a
 * connection that cannot be made has other errors.
 */
export function isPoolFull(error: unknown): boolean {
  return error instanceof Error && error.message === 'timeout exceeded when trying to connect';
}

/** Whether the connection broke after the statement may have arrived: it may be committed. */
export function isAnswerLost(error: unknown): boolean {
  if (!isConnectionFailure(error) || !(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return (
    /^(ECONNRESET|EPIPE|ETIMEDOUT|57P01|57P02)$/.test(code) ||
    /Connection terminated unexpectedly/.test(error.message)
  );
}

/**
 * Repeats the work of one statement after a deadlock, which rolled back all of it. Throws any other
 * error.
 */
export function retryTransient<T>(work: () => Promise<T>): Promise<T> {
  return pRetry(work, {
    retries: 5,
    minTimeout: 10,
    randomize: true,
    shouldRetry: ({ error }) => isTransient(error),
  });
}
