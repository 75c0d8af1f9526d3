import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../embedded/postgres.ts';
import { migrate } from '../../store/migrate.ts';
import { openPool } from '../../store/pool.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server of this run, with the database `template` migrated. */
    postgresUrl: string;
  }
}

/** Speed instead of safety: the data of a test run are thrown away. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '400' };

/** One real Postgres for the whole run; its template database is migrated once and cloned by each file. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-test-'));
  // Hundreds of processes are started that load the same: what one has compiled the next ones need not.
  process.env.NODE_COMPILE_CACHE = join(
    import.meta.dirname,
    '..',
    '..',
    'node_modules',
    '.cache',
    'compiled',
  );
  const postgres = await startPostgres({ directory, port: 0, settings: SETTINGS, log: () => {} });
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query('create database template');
  await client.end();
  const url = new URL(postgres.url);
  url.pathname = '/template';
  const pool = openPool({
    connectionString: url.href,
    applicationName: 'test setup',
    size: 4,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  await migrate(pool);
  await pool.end();
  project.provide('postgresUrl', postgres.url);
  return async () => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  };
}
