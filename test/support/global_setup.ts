import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { type Postgres, startPostgres } from '../../embedded/postgres.ts';
import { migrate } from '../../store/database/migrate.ts';
import { openPool } from '../../store/database/pool.ts';
import { NEWEST } from './provide_server.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The data directory of a stopped server with a migrated database. Tests start copies of it. */
    migratedCluster: string;
  }
}

/** Fast instead of durable: the data of a test run are thrown away. */
const SETTINGS = {
  fsync: 'off',
  full_page_writes: 'off',
  synchronous_commit: 'off',
  // There is no replica. Each of the hundreds of new databases waits for a checkpoint, so these are cheap.
  wal_level: 'minimal',
  max_wal_senders: '0',
  checkpoint_timeout: '1h',
  max_wal_size: '4GB',
  // No database lives long enough to need it. A test that needs statistics runs ANALYZE.
  autovacuum: 'off',
  jit: 'off',
  max_connections: '400',
  // For the benchmarks, which switch it on for their databases.
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'none',
  compute_query_id: 'off',
};

/**
 * Starts one real Postgres for the complete run. Its template database is migrated once and cloned
 * by each file.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-test-'));
  // Hundreds of processes load the same modules: each uses the code that an earlier one compiled, in
  // copies of this checkout too.
  process.env.NODE_COMPILE_CACHE_PORTABLE = '1';
  process.env.NODE_COMPILE_CACHE = join(
    import.meta.dirname,
    '..',
    '..',
    'node_modules',
    '.cache',
    'compiled',
  );
  const postgres = await startMigrated(directory);
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('create database template template errand strategy file_copy');
  await client.query('create extension pg_stat_statements schema public');
  await client.end();
  project.provide('postgresUrl', postgres.url);
  project.provide('postgresVersion', NEWEST);
  project.provide('migratedCluster', join(directory, 'migrated'));
  return async () => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  };
}

/** Starts the server with its database migrated, and leaves a copy of its data as they are when it is stopped. */
async function startMigrated(directory: string): Promise<Postgres> {
  const start = (): Promise<Postgres> =>
    startPostgres({ directory, port: 0, settings: SETTINGS, log: () => {} });
  const first = await start();
  const pool = openPool({
    connectionString: first.url,
    applicationName: 'test setup',
    size: 4,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  // Thousands of connections are made, each of which would derive a key from the password.
  await pool.query("set scram_iterations = 1; alter role errand password 'errand'");
  await migrate(pool);
  await pool.end();
  await first.stop();
  // With its owner, who is not root.
  execFileSync('cp', ['-aL', join(directory, 'postgres'), join(directory, 'migrated')]);
  return start();
}
