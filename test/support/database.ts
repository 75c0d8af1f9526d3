import { randomUUID } from 'node:crypto';
import { Client, type Pool } from 'pg';
import { afterAll, inject } from 'vitest';
import { openPool } from '../../store/pool.ts';

export type TestDatabase = { url: string; pool: Pool };

/**
 * A database of the calling file alone, cloned from the migrated template, or from Postgres's own empty one;
 * dropped when the file is done.
 */
export async function createDatabase(template: 'template' | 'template0' = 'template'): Promise<TestDatabase> {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await onServer(server, `create database ${name} template ${template} strategy file_copy`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const pool = openPool({
    connectionString: url.href,
    applicationName: 'test',
    size: 10,
    statementTimeoutMs: 20_000,
    onError: () => {},
  });
  afterAll(async () => {
    await pool.end();
    await onServer(server, `drop database ${name} with (force)`);
  });
  return { url: url.href, pool };
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
