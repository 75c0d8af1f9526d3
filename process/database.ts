import pRetry from 'p-retry';
import type { ClientConfig, Pool } from 'pg';
import type { Logger } from 'pino';
import { connectionString, maskSecrets, schemasFor, wantsEmbeddedPostgres } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { type Migrated, migrate } from '../store/database/migrate.ts';
import { isConnectionFailure, openPool } from '../store/database/pool.ts';
import { inSchemas } from '../store/database/schemas.ts';
import {
  ERROR_INDEX_SQL,
  hasErrorIndex,
  readServer,
  whyReadOnly,
  whyUnsuitable,
} from '../store/database/server.ts';
import type { Check } from './probes.ts';
import { sharedReading } from './shared_reading.ts';
import { lifecycleLevel } from './standby.ts';
import { messageOf } from './start.ts';

/** A probe must answer even if the database hangs. */
const CHECK_TIMEOUT_MS = 2_000;

/** Opens a pool. Connections are made on first use, so this succeeds even if Postgres is down. */
export function openDatabase(
  config: Config,
  log: Logger,
  pool: { applicationName: string; size?: number; statementTimeoutMs: number },
): Pool {
  return openPool({
    connectionString: connectionString(config),
    schemas: schemasFor(config),
    size: config.DATABASE_POOL_SIZE,
    connectTimeoutMs: config.DATABASE_CONNECT_TIMEOUT_SECS * 1_000,
    idleTimeoutMs: config.DATABASE_IDLE_TIMEOUT_SECS * 1_000,
    ...pool,
    // Only the message: pg attaches the entire client to the error.
    onError: (error) => log.warn({ reason: messageOf(error) }, 'a database connection failed'),
  });
}

/**
 * Waits until Postgres answers and is writable, for at most START_TIMEOUT_SECS. Each failed try is logged.
 * Throws an Error with the address (password masked) and a remedy; the pool is closed then.
 */
export async function awaitDatabase(config: Config, log: Logger, pool: Pool): Promise<void> {
  const where = whereOf(config);
  log[lifecycleLevel()]({ where }, 'connecting to Postgres');
  try {
    await pRetry(() => tryDatabase(pool), {
      retries: 1_000,
      minTimeout: 100,
      maxTimeout: 2_000,
      maxRetryTime: config.START_TIMEOUT_SECS * 1_000,
      randomize: true,
      shouldRetry: ({ error }) => error.name === READ_ONLY || isConnectionFailure(error),
      onFailedAttempt: ({ error, attemptNumber }) =>
        log.warn({ attempt: attemptNumber, where, reason: messageOf(error) }, 'Postgres is not usable yet'),
    });
  } catch (error) {
    await closePool(pool);
    const { message, advice } = explainFailure(error, config);
    throw new Error(`${message}. ${advice}`, { cause: error });
  }
}

/** Why Postgres cannot be used, with its address (password masked), and what to do about it. */
export function explainFailure(error: unknown, config: Config): { message: string; advice: string } {
  return {
    message: `cannot use Postgres at ${whereOf(config)}: ${messageOf(error)}`,
    advice: adviceFor(error, config),
  };
}

/** Closes a pool, unless it is closed or being closed. */
export async function closePool(pool: Pool): Promise<void> {
  if (!pool.ending) await pool.end();
}

/** `openDatabase`, then `awaitDatabase`. */
export async function connectDatabase(
  ...[config, log, pool]: Parameters<typeof openDatabase>
): Promise<Pool> {
  const opened = openDatabase(config, log, pool);
  await awaitDatabase(config, log, opened);
  return opened;
}

/**
 * Tries the database. An unusable connection is closed: a session stays read-only even after its server has
 * become writable.
 */
async function tryDatabase(pool: Pool): Promise<void> {
  const client = await pool.connect();
  let isUsable = false;
  try {
    const server = await readServer(client);
    const unsuitable = whyUnsuitable(server);
    if (unsuitable !== null) throw new Error(unsuitable);
    const readOnly = whyReadOnly(server);
    if (readOnly !== null) throw Object.assign(new Error(readOnly), { name: READ_ONLY });
    isUsable = true;
  } finally {
    client.release(!isUsable);
  }
}

/**
 * Brings the schema up to date with store/database/migrate.ts. Logs if another session holds the lock (it
 * waits for at most START_TIMEOUT_SECS), and if a newer version of Errand has migrated the schema.
 */
export async function migrateDatabase(config: Config, log: Logger, pool: Pool): Promise<Migrated> {
  const migrated = await migrate(pool, {
    waitMs: config.START_TIMEOUT_SECS * 1_000,
    onBlocked: (holders) =>
      log.warn({ holders }, 'another session holds the lock for migrations: waiting for it'),
  });
  if (migrated.unknown.length > 0) {
    log.warn(
      { files: migrated.unknown },
      'the schema is newer than this version of Errand, which continues with the part that it knows: update this process',
    );
  }
  if (!(await hasErrorIndex(pool))) {
    log.warn(
      { sql: inSchemas(ERROR_INDEX_SQL, schemasFor(config)) },
      'tasks can be found by a part of their error message, but slowly: the server has no pg_trgm, and so this database has no index for it',
    );
  }
  return migrated;
}

/** The connection settings of `pg` for this configuration, and the schemas of its statements. */
export function connectionConfig(config: Config): ClientConfig {
  const url = connectionString(config);
  return { schemas: schemasFor(config), ...(url === undefined ? {} : { connectionString: url }) };
}

/** The readiness check of a pool: whether Postgres answers in time. */
export function databaseCheck(pool: Pool): () => Promise<Check> {
  return sharedCheck('database', () => pool.query('select 1'));
}

/**
 * A readiness check that succeeds if `work` succeeds in time. Probes have no rate limit, so `work` runs only
 * once at a time: simultaneous callers share its result.
 */
export function sharedCheck(name: string, work: () => Promise<unknown>): () => Promise<Check> {
  const read = sharedReading(
    async () => {
      await work();
      return true;
    },
    { keepMs: 0, waitBudgetMs: CHECK_TIMEOUT_MS },
  );
  return async () => {
    const reading = await read();
    return reading.value === null ? { name, status: 'failed', message: reading.why } : { name, status: 'ok' };
  };
}

/** The name of the error for a server that is read-only at the moment. */
const READ_ONLY = 'ReadOnlyError';

/** The address of Postgres, with the password masked. */
function whereOf(config: Config): string {
  const url = connectionString(config);
  return url === undefined ? 'the server of the PG* variables' : maskSecrets(url);
}

/** The remedy for an unusable Postgres, by the kind of problem. */
function adviceFor(error: unknown, config: Config): string {
  const source = config.DATABASE_URL === undefined ? 'the PG* variables' : 'DATABASE_URL';
  if (!(error instanceof Error)) return `Check ${source}`;
  const code = 'code' in error ? String(error.code) : '';
  if (error.name === READ_ONLY)
    return `Set ${source} to the primary, or wait until this server is the primary and start again`;
  if (code === 'ERR_INVALID_URL')
    return `${source} must be a URL with one host. Write special characters of the password as in %40 for @`;
  if (code === '28P01' || error.message.includes('password must be a string'))
    return `Check the user and the password in ${source}`;
  if (code.startsWith('28')) return `Check the user in ${source} and its entry in pg_hba.conf`;
  if (code === '3D000') return `Create that database (create database …), or set another one in ${source}`;
  if (code === '53300' && /for (role|database)/.test(error.message))
    return 'Raise that limit (alter role … connection limit, alter database … connection limit), or lower DATABASE_POOL_SIZE';
  if (code === '53300') return 'Raise max_connections of the server, or lower DATABASE_POOL_SIZE';
  if (code === '42501')
    return 'Ask the owner of the schema to run `npm run roles`, which grants the rights that this role needs';
  if (/^(ENOTFOUND|EAI_AGAIN)/.test(code)) return `Check the host in ${source}`;
  if (wantsEmbeddedPostgres(config)) return 'Run `npm start`, which starts one, or set DATABASE_URL';
  if (/^E[A-Z]+$/.test(code)) return `Check that Postgres is running, and the host and the port in ${source}`;
  return `Check ${source}`;
}

/** The connections of a pool, and the callers that wait for one. */
export type PoolUse = { busy: number; idle: number; waiting: number };

/** The current use of a pool. */
export function poolUse(pool: Pool): PoolUse {
  return {
    busy: pool.totalCount - pool.idleCount,
    idle: pool.idleCount,
    waiting: pool.waitingCount,
  };
}
