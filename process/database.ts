import pRetry from 'p-retry';
import type { ClientConfig, Pool } from 'pg';
import type { Logger } from 'pino';
import { connectionString, maskSecrets } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { isConnectionFailure, openPool } from '../store/pool.ts';
import type { Check } from './probes.ts';
import { messageOf } from './start.ts';

/** A probe must answer while the database hangs. */
const CHECK_TIMEOUT_MS = 2_000;

/**
 * Opens a pool and waits until Postgres answers, for at most START_TIMEOUT_SECS.
 * Throws an Error that says where it tried (the password masked) and what to do.
 */
export async function connectDatabase(
  config: Config,
  log: Logger,
  pool: { applicationName: string; size?: number; statementTimeoutMs: number },
): Promise<Pool> {
  const url = connectionString(config);
  const opened = openPool({
    connectionString: url,
    size: config.DATABASE_POOL_SIZE,
    ...pool,
    // Its message only: pg hangs the whole client on the error.
    onError: (error) => log.warn({ reason: messageOf(error) }, 'a database connection broke'),
  });
  try {
    await pRetry(() => opened.query('select 1'), {
      retries: 1_000,
      minTimeout: 100,
      maxTimeout: 2_000,
      maxRetryTime: config.START_TIMEOUT_SECS * 1_000,
      randomize: true,
      shouldRetry: ({ error }) => isConnectionFailure(error),
    });
    return opened;
  } catch (error) {
    await opened.end();
    const where = url === undefined ? 'the server of the PG* variables' : maskSecrets(url);
    throw new Error(
      `can't use Postgres at ${where}: ${messageOf(error)}. Run \`npm start\`, which brings one up, or set DATABASE_URL`,
      { cause: error },
    );
  }
}

/** How `pg` connects with this configuration. */
export function connectionConfig(config: Config): ClientConfig {
  const url = connectionString(config);
  return url === undefined ? {} : { connectionString: url };
}

/** The readiness check of a pool: whether Postgres answers within a bound. */
export async function checkDatabase(pool: Pool): Promise<Check> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([pool.query('select 1'), timeout]);
    return { name: 'database', status: 'ok' };
  } catch (error) {
    return { name: 'database', status: 'failed', message: messageOf(error) };
  } finally {
    clearTimeout(timer);
  }
}
