import pRetry from 'p-retry';
import { type CustomTypesConfig, Pool, type PoolConfig, types } from 'pg';
import { watchConnections } from './watchdog.ts';

/** Codes after which the same statement may simply be tried again: deadlock and serialization failure. */
const TRANSIENT_CODES = new Set(['40P01', '40001']);

/** After its statement timeout Postgres has answered, with a cancellation at least, unless it is gone. */
const WATCHDOG_LEEWAY_MS = 1_000;
/** After so much silence the kernel begins to ask whether the other end is still there; its own default is hours. */
const KEEP_ALIVE_AFTER_MS = 10_000;

/** How values arrive: timestamps as ISO 8601 texts, as the wire has them; int8 as number (counts stay below 2^53). */
function typeParser(oid: number): (text: string) => unknown {
  if (oid === types.builtins.INT8) return Number;
  if (oid === types.builtins.TIMESTAMPTZ) return (text) => new Date(text).toISOString();
  return types.getTypeParser(oid, 'text');
}

/** The part of `pg` that statements need: a pool or one of its clients. */
export type Database = Pick<Pool, 'query'>;

/** The part of `pg` that transactions need as well. */
export type Connections = Pick<Pool, 'query' | 'connect'>;

export type PoolOptions = {
  /** Undefined lets `pg` read the PG* variables. */
  connectionString: string | undefined;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Connections at most. */
  size: number;
  /** A statement that takes longer is cancelled by Postgres. 0: no limit. */
  statementTimeoutMs: number;
  onError: (error: Error) => void;
};

/** Opens a pool. Connections are made when they are needed; `onError` hears of idle ones that break. */
export function openPool(options: PoolOptions): Pool {
  const config: PoolConfig = {
    ...(options.connectionString === undefined ? {} : { connectionString: options.connectionString }),
    application_name: options.applicationName,
    max: options.size,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: options.statementTimeoutMs,
    // A process that vanishes between two statements must not leave its locks behind.
    idle_in_transaction_session_timeout: options.statementTimeoutMs,
    // graphile-worker's fetch joins with a sequential scan of the whole jobs table unless the planner knows
    // that random reads are cheap: 17 ms instead of 5 ms at 40,000 jobs, and growing.
    options: '-c random_page_cost=1.1',
    types: { getTypeParser: (oid: number) => typeParser(oid) } as CustomTypesConfig,
  };
  const pool = new Pool(config);
  pool.on('error', options.onError);
  // Without a listener, an error of a client that is checked out would end the process.
  pool.on('connect', (client) => client.on('error', options.onError));
  if (options.statementTimeoutMs > 0) watchConnections(pool, options.statementTimeoutMs + WATCHDOG_LEEWAY_MS);
  return pool;
}

/** Whether an error is one after which the same statement may simply be tried again. */
export function isTransient(error: unknown): boolean {
  return error instanceof Error && 'code' in error && TRANSIENT_CODES.has(String(error.code));
}

/**
 * Whether a statement ran out of time, waiting for a lock of somebody else's perhaps. With other statements the same
 * may go well at once.
 */
export function isTimeout(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === '57014' || error.code === '55P03');
}

/**
 * Whether Postgres can't do anything of the kind right now, whatever the statement says: it is out of disk, memory or
 * connections (class 53), its disk fails (58), it may only be read, as after a failover (25006), or the queue of
 * notifications is full because somebody who listens does not read.
 */
export function isUnable(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  if (error.code === '54000') return 'routine' in error && error.routine === 'PreCommit_Notify';
  return /^(53|58|25006)/.test(String(error.code));
}

/**
 * Whether an error is about the values of a statement (data, constraint, limit) or was thrown by our own code, so that
 * trying again is no use. Anything else Postgres says may have another cause that somebody can mend.
 */
export function isRefusal(error: unknown): boolean {
  if (isConnectionFailure(error) || isUnable(error)) return false;
  if (!(error instanceof Error) || !('code' in error)) return true;
  return /^(21|22|23|54)/.test(String(error.code));
}

/** Whether an error means that Postgres could not be reached or went away, rather than that it refused. */
export function isConnectionFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  // 08: connection exception, 57P: operator intervention (shutdown, crash), 53300: too many connections.
  if (
    /^(08|57P|53300)/.test(code) ||
    /^(ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)/.test(code)
  )
    return true;
  return /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
    error.message,
  );
}

/** Does work of one statement again that a deadlock with another undid whole. Throws what else goes wrong. */
export function retryTransient<T>(work: () => Promise<T>): Promise<T> {
  return pRetry(work, {
    retries: 5,
    minTimeout: 10,
    randomize: true,
    shouldRetry: ({ error }) => isTransient(error),
  });
}
