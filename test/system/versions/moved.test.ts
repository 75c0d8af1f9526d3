import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import { expect, inject, test } from 'vitest';
import { migrate } from '../../../store/database/migrate.ts';
import {
  type MigrationFile,
  NATIVE_SINCE,
  readMigrationFiles,
} from '../../../store/database/migration_files.ts';
import { recordApplied } from '../../../store/database/migrations_table.ts';
import { openPool } from '../../../store/database/pool.ts';
import { createDatabase } from '../../support/database.ts';

// A database that was migrated on an older or newer server and then moved to this one: by pg_upgrade, or dumped and restored.

const VERSION = inject('postgresVersion') * 10_000;
const ELSEWHERE = VERSION < NATIVE_SINCE ? NATIVE_SINCE : NATIVE_SINCE - 1;
const MOVED = ['functions/uuid_in_text.sql', 'functions/uuid_time.sql', 'functions/uuidv7.sql'];

/** As the database comes from the other server: with the functions that are for that one. */
async function arrive(pool: Pool): Promise<void> {
  const { functions } = await readMigrationFiles(ELSEWHERE);
  const client = await pool.connect();
  await client.query('set check_function_bodies = off');
  for (const file of functions.values())
    if (file.elsewhere !== undefined) {
      await client.query(file.sql);
      await recordApplied(client, file);
    }
  client.release(true);
}

/** The text of a function as the database has it. */
async function bodyOf(pool: Pool, name: string): Promise<string> {
  const { rows } = await pool.query<{ body: string }>(
    `select prosrc as body from pg_proc where oid = $1::regproc`,
    [`errand.${name}`],
  );
  return String(rows[0]?.body);
}

test('gets the functions of this server, each time that it comes', async () => {
  const { pool } = await createDatabase();
  const own = await bodyOf(pool, 'uuidv7');
  for (const _ of ['the first time', 'after it was moved back']) {
    await arrive(pool);
    expect(await bodyOf(pool, 'uuidv7')).not.toBe(own);
    const { applied, unknown } = await migrate(pool);
    expect({ applied: applied.toSorted(), unknown }).toEqual({ applied: MOVED, unknown: [] });
    expect(await bodyOf(pool, 'uuidv7')).toBe(own);
    expect(await migrate(pool)).toEqual({ applied: [], unknown: [] });
  }
});

test.runIf(VERSION >= NATIVE_SINCE)(
  'works as it is until it can be migrated, for a role that may not',
  async () => {
    const { url, pool } = await createDatabase();
    await arrive(pool);
    const role = `reader_${randomBytes(6).toString('hex')}`;
    await pool.query(`
    create role ${role} login password 'secret';
    grant usage on schema errand, errand_worker to ${role};
    grant select on all tables in schema errand, errand_worker to ${role}`);
    const reader = openPool({
      connectionString: Object.assign(new URL(url), { username: role, password: 'secret' }).href,
      applicationName: 'reader',
      size: 1,
      statementTimeoutMs: 20_000,
      onError: () => {},
    });
    expect(await migrate(reader)).toEqual({ applied: [], unknown: [] });
    expect(
      (await reader.query('select errand.uuid_time(errand.uuidv7()) <= clock_timestamp() as works')).rows,
    ).toEqual([{ works: true }]);
    // Something else beside it is to be migrated.
    await pool.query(`delete from errand.migrations where file = 'functions/got.sql'`);
    await expect(migrate(reader)).rejects.toThrow('the schema must be migrated');
    await reader.end();
    await pool.query(`drop owned by ${role}; drop role ${role}`);
  },
);

test('a function of a newer Errand stays, whatever server the database comes from', async () => {
  const { pool } = await createDatabase();
  await arrive(pool);
  const newer: MigrationFile = { name: 'functions/uuidv7.sql', hash: 'of a newer one', sql: '' };
  await pool.query(`update errand.migrations set applied_at = applied_at - interval '1 hour'`);
  await recordApplied(pool, newer);
  const { applied, unknown } = await migrate(pool);
  expect({ applied: applied.toSorted(), unknown }).toEqual({
    applied: ['functions/uuid_in_text.sql', 'functions/uuid_time.sql'],
    unknown: ['functions/uuidv7.sql'],
  });
});
