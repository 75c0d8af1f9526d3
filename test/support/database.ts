import { randomUUID } from 'node:crypto';
import { Client, type Pool } from 'pg';
import { afterAll, inject } from 'vitest';
import { openPool } from '../../store/database/pool.ts';
import type { Schemas } from '../../store/database/schemas.ts';

export type TestDatabase = { url: string; pool: Pool };

/**
 * Makes a database for the calling file alone, cloned from the migrated template or from Postgres's
 * empty one. Dropped at the end of the file.
 */
export async function createDatabase(template: 'template' | 'template0' = 'template'): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const copying = inject('postgresVersion') < 15 ? '' : 'strategy file_copy';
  await onServer(server, `create database ${name} template ${template} ${copying}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  afterAll(() => onServer(server, `drop database ${name} with (force)`));
  return { url: url.href, pool: openTestPool(url.href) };
}

/** A pool of the calling file for a database that is there; its statements go to these schemas. */
export function openTestPool(url: string, schemas?: Schemas): Pool {
  const pool = openPool({
    connectionString: url,
    schemas,
    applicationName: 'test',
    size: 10,
    statementTimeoutMs: 20_000,
    onError: () => {},
  });
  afterAll(() => pool.end());
  return pool;
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
