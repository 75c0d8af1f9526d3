import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { migrate } from '../../../store/database/migrate.ts';
import { ERROR_INDEX_SQL } from '../../../store/database/server.ts';
import { fill } from '../../fast/api/fill.ts';
import { call } from '../../support/api.ts';
import { blocksOf } from '../../support/checkout/documents.ts';
import { createDatabase } from '../../support/database.ts';
import { startProcess } from '../../support/processes.ts';

const [GUIDE = ''] = blocksOf('docs/guides/postgres-versions.md', 'Without pg_trgm', 'sql', 1);
const SLOW = 'but slowly: the server has no pg_trgm';

async function indexOf(pool: Pool): Promise<string | null | undefined> {
  const { rows } = await pool.query<{ definition: string | null }>(
    `select pg_get_indexdef(to_regclass('errand.tasks_error_message_idx')) as definition`,
  );
  return rows[0]?.definition;
}

test('on a server without pg_trgm tasks are found by their errors, and the start says what makes that quick', async () => {
  const { url, pool } = await createDatabase('template0');
  await pool.query(`
    create function refuse() returns event_trigger language plpgsql as $$
    begin raise exception 'extension "pg_trgm" is not available' using errcode = 'feature_not_supported'; end $$;
    create event trigger no_extensions on ddl_command_start when tag in ('CREATE EXTENSION') execute function refuse()`);
  await migrate(pool);
  const [id] = await fill(pool, [
    { state: 'failed', error: 'The disk of example.org is full', finished: new Date().toISOString() },
    { state: 'failed', error: 'no luck', finished: new Date().toISOString() },
  ]);
  const api = await startProcess('api/main.ts', url);
  expect(api.output()).toContain(SLOW);
  const found = await call(api.url, 'GET', '/v1/tasks?error=DISK%20of');
  expect(found.body.tasks).toEqual([expect.objectContaining({ id })]);

  await pool.query('drop event trigger no_extensions');
  // The guide shows the same SQL as the log.
  expect(
    GUIDE.split(/[\s;]+/)
      .join(' ')
      .trim(),
  ).toBe(ERROR_INDEX_SQL.split(/[\s;]+/).join(' '));
  for (const statement of ERROR_INDEX_SQL.split(';')) await pool.query(statement);
  expect(await indexOf(pool)).toContain('gin_trgm_ops');
});

test('pg_trgm may be in any schema', async () => {
  const { pool } = await createDatabase('template0');
  await pool.query('create schema extensions; create extension pg_trgm schema extensions');
  await migrate(pool);
  expect(await indexOf(pool)).toContain('extensions.gin_trgm_ops');
});
