import type { Pool, PoolClient } from 'pg';
import type { MigrationFile } from './migration_files.ts';
import { inLockedTransaction, type Waiting } from './migration_lock.ts';
import { isForbidden, planMigration } from './migration_plan.ts';
import { isPending, makeMigrationsTable, readApplied, recordApplied } from './migrations_table.ts';
import { openPool } from './pool.ts';
import { type Schemas, schemasOf } from './schemas.ts';
import { migrateWorker } from './worker_schema.ts';

/** For tests and measurements, where no other session holds the lock. */
const WITHOUT_LIMIT: Waiting = { waitMs: Number.POSITIVE_INFINITY, onBlocked: () => {} };

export type Migrated = {
  /** The files that were applied now. */
  applied: string[];
  /** Files of a newer Errand: this one does not have them, or has an older text. */
  unknown: string[];
};

/**
 * Migrates the database to the newest schema: graphile-worker's own migrations, then the steps of
 * the tables in `migrations/`, each in a transaction that holds the lock (faults F15). The
 * functions with a new text are applied together with the last step. If several processes call it
 * at once, one of them applies each file and the others find it applied.
 *
 * If there is nothing to do it only reads, so that a role that owns nothing can start. That role can
 * also start after a move to Postgres 18: the functions of the older server still work. Throws if
 * another session keeps the lock, if the schema of graphile-worker belongs to another application,
 * if this role may not migrate, or if the database was made before the first release.
 *
 * After a crash an uncommitted transaction has changed nothing, and the next start repeats it.
 */
export async function migrate(pool: Pool, waiting: Waiting = WITHOUT_LIMIT): Promise<Migrated> {
  const schemas = schemasOf(pool.options);
  const { worker, makesTable, transactions, unknown, isOptional } = await planMigration(pool);
  if (worker === null && transactions.length === 0) return { applied: [], unknown };
  // Its own connections: a migration, and waiting for another process, may take longer than a
  // statement timeout.
  const unlimited = openPool({
    connectionString: pool.options.connectionString,
    schemas,
    applicationName: 'errand migrate',
    size: 3,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  try {
    const applied = await withClient(unlimited, async (client) => {
      const locked = <T>(work: () => Promise<T>): Promise<T> =>
        inLockedTransaction(client, schemas.errand, waiting, work);
      if (makesTable) await locked(() => makeTable(client, schemas));
      if (worker !== null) await locked(() => migrateWorker(unlimited));
      const names: string[] = [];
      for (const batch of transactions)
        names.push(...(await locked(() => applyFiles(client, batch, schemas))));
      return names;
    });
    return { applied, unknown };
  } catch (error) {
    if (isOptional && isForbidden(error)) return { applied: [], unknown };
    throw explainRefusal(error, transactions.flat());
  } finally {
    await unlimited.end();
  }
}

/**
 * Runs before everything else. So if the first migration is interrupted, the schema of
 * graphile-worker that it left is known to be ours.
 */
async function makeTable(client: PoolClient, schemas: Schemas): Promise<void> {
  // Another process may have made it by now.
  if ((await readApplied(client, schemas)) === null) await makeMigrationsTable(client);
}

/** Applies those that no other process has applied meanwhile, and gives their names. */
async function applyFiles(
  client: PoolClient,
  files: readonly MigrationFile[],
  schemas: Schemas,
): Promise<string[]> {
  const applied = await readApplied(client, schemas);
  const missing = files.filter((file) => isPending(file, applied));
  // A migration that fails can be run again. That is better than to queue behind a long transaction
  // and block everything after it. Function bodies are not checked: they may call functions that
  // come later.
  await client.query(`set local lock_timeout = '10s'; set local check_function_bodies = off`);
  for (const file of missing) {
    try {
      await client.query(file.sql);
    } catch (error) {
      throw new Error(`Migration ${file.name} failed: ${String(error)}`, { cause: error });
    }
    await recordApplied(client, file);
  }
  return missing.map(({ name }) => name);
}

/** A role that owns nothing can run Errand, but cannot migrate. */
function explainRefusal(error: unknown, pending: readonly MigrationFile[]): unknown {
  if (!isForbidden(error)) return error;
  const names = pending.map(({ name }) => name);
  const what = names.length === 0 ? "graphile-worker's own migrations" : names.join(', ');
  return new Error(
    `the schema must be migrated (${what}), but this role may not do that: ${String(error)}. ` +
      'Run `npm run migrate` as the owner of the schema, then start again',
    { cause: error },
  );
}

async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    return await work(client);
  } finally {
    client.release(true);
  }
}
