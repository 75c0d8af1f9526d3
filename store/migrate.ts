import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Pool, PoolClient } from 'pg';
import { openPool } from './pool.ts';

const MIGRATIONS = join(import.meta.dirname, '..', 'migrations');
/** The migrations that graphile-worker brings along, by number: `000001.sql`. */
const WORKER_MIGRATIONS = join(
  dirname(createRequire(import.meta.url).resolve('graphile-worker')),
  '..',
  'sql',
);
/** uuidv7() and RETURNING old/new. */
const LEAST_SERVER_VERSION = 180_000;
/** Any fixed number: it keeps two migrating processes from doing the same work (faults F15). */
const ADVISORY_LOCK = 4_772_001;

/**
 * Brings the database to the newest schema: graphile-worker's own migrations, then each file of `migrations/`
 * in a transaction of its own. Several processes may call it at once; one does the work, the others wait.
 * Gives the names of the files that were applied now. Throws when the server is too old.
 */
export async function migrate(pool: Pool): Promise<string[]> {
  // Its own connections: a migration, and waiting for another process's, may take longer than a statement of ours may.
  const patient = openPool({
    connectionString: pool.options.connectionString,
    applicationName: 'errand migrate',
    size: 2,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  try {
    return await migrateAlone(patient);
  } finally {
    await patient.end();
  }
}

async function migrateAlone(pool: Pool): Promise<string[]> {
  const client = await pool.connect();
  try {
    await assertServerVersion(client);
    await client.query('select pg_advisory_lock($1)', [ADVISORY_LOCK]);
    await migrateWorker(client, pool);
    return await applyFiles(client);
  } finally {
    // Ends the session, and with it the lock, whatever happened.
    client.release(true);
  }
}

/** graphile-worker's own migrations. It is loaded only when one of the files that it comes with is not applied. */
async function migrateWorker(client: PoolClient, pool: Pool): Promise<void> {
  const newest = (await readdir(WORKER_MIGRATIONS).catch(() => []))
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .at(-1);
  if (newest !== undefined && Number.parseInt(newest, 10) === (await workerMigration(client))) return;
  const { runMigrations } = await import('graphile-worker');
  await runMigrations({ pgPool: pool });
}

/** The last migration of graphile-worker that this database has; null when it has none. Its table has a row for each. */
async function workerMigration(client: PoolClient): Promise<number | null> {
  const { rows: found } = await client.query<{ is_there: boolean }>(
    `select to_regclass('graphile_worker.migrations') is not null as is_there`,
  );
  if (found[0]?.is_there !== true) return null;
  const { rows } = await client.query<{ id: number | null }>(
    'select max(id) as id from graphile_worker.migrations',
  );
  return rows[0]?.id ?? null;
}

async function assertServerVersion(client: PoolClient): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    `select current_setting('server_version_num')::integer as number, current_setting('server_version') as version`,
  );
  const server = rows[0];
  if (server !== undefined && server.number < LEAST_SERVER_VERSION) {
    throw new Error(`Postgres ${server.version} is too old: Errand needs Postgres 18 or newer`);
  }
}

async function applyFiles(client: PoolClient): Promise<string[]> {
  await client.query('create schema if not exists errand');
  await client.query(`
    create table if not exists errand.migrations (
      file        text primary key,
      applied_at  timestamptz not null default now()
    )`);
  const { rows } = await client.query<{ file: string }>('select file from errand.migrations');
  const known = new Set(rows.map((row) => row.file));
  const files = (await readdir(MIGRATIONS))
    .filter((file) => file.endsWith('.sql') && !known.has(file))
    .sort();
  for (const file of files) await applyFile(client, file);
  return files;
}

async function applyFile(client: PoolClient, file: string): Promise<void> {
  const sql = await readFile(join(MIGRATIONS, file), 'utf8');
  try {
    await client.query('begin');
    // Rather fail and be run again than queue behind a long transaction and block everybody after it.
    await client.query(`set local lock_timeout = '10s'`);
    await client.query(sql);
    await client.query('insert into errand.migrations (file) values ($1)', [file]);
    await client.query('commit');
  } catch (error) {
    await client.query('rollback');
    throw new Error(`Migration ${file} failed: ${String(error)}`, { cause: error });
  }
}
