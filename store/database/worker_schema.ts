import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Pool, PoolClient } from 'pg';
import type { Database } from './pool.ts';
import { schemasOf } from './schemas.ts';

/** The migrations in the graphile-worker package, by number: `000001.sql`. */
const FILES = join(dirname(createRequire(import.meta.url).resolve('graphile-worker')), '..', 'sql');

/**
 * The number of the newest migration in our graphile-worker package; null if it has no such files.
 */
export async function newestWorkerRevision(): Promise<number | null> {
  const files = await readdir(FILES).catch(() => []);
  const newest = files
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .at(-1);
  return newest === undefined ? null : Number.parseInt(newest, 10);
}

/**
 * The last migration of our graphile-worker that this database has; null if it has none. The table
 * has a row for each.
 */
export async function workerRevision(database: Database): Promise<number | null> {
  const { rows: found } = await database.query<{ is_there: boolean }>(
    `select to_regclass('errand_worker.migrations') is not null as is_there`,
  );
  if (found[0]?.is_there !== true) return null;
  const { rows } = await database.query<{ id: number | null }>(
    'select max(id) as id from errand_worker.migrations',
  );
  return rows[0]?.id ?? null;
}

/**
 * The migrations in our graphile-worker package after a revision, in order, with the name of the
 * schema of this pool in their texts.
 */
export async function workerMigrations(pool: Pool, after: number): Promise<{ name: string; sql: string }[]> {
  const { worker } = schemasOf(pool.options);
  const files = (await readdir(FILES)).filter((file) => file.endsWith('.sql')).sort();
  const pending = files.filter((file) => Number.parseInt(file, 10) > after);
  return Promise.all(
    pending.map(async (name) => {
      const sql = await readFile(join(FILES, name), 'utf8');
      return { name, sql: sql.replaceAll(':GRAPHILE_WORKER_SCHEMA', `"${worker}"`) };
    }),
  );
}

/**
 * Migrates its schema to the newest revision. graphile-worker is loaded only here, since most
 * starts have nothing to migrate. It sends no notifications, see `silent`.
 */
export async function migrateWorker(pool: Pool): Promise<void> {
  const { runMigrations } = await import('graphile-worker');
  const pgPool: Pool = Object.create(pool, {
    connect: { value: async () => silent(await pool.connect()) },
  });
  await runMigrations({ pgPool, schema: schemasOf(pool.options).worker });
}

/**
 * Wraps a connection so that graphile-worker does not notify of its migrations. It uses one channel
 * for all schemas, and each graphile-worker in the database ends its process on such a
 * notification, even that of an application in another schema.
 */
function silent(client: PoolClient): PoolClient {
  const query = (...statement: unknown[]): unknown => {
    const [, values] = statement;
    return Array.isArray(values) && values[0] === 'worker:migrate'
      ? Promise.resolve({ rows: [] })
      : (client.query as (...all: unknown[]) => unknown).apply(client, statement);
  };
  return Object.create(client, {
    query: { value: query },
    release: { value: (destroy?: boolean) => client.release(destroy) },
  });
}
