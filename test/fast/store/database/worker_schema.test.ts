import { runMigrations } from 'graphile-worker';
import type { Pool } from 'pg';
import { describe, expect, test } from 'vitest';
import { migrate } from '../../../../store/database/migrate.ts';
import { createDatabase, openTestPool } from '../../../support/database.ts';

const BILLING = { errand: 'billing', worker: 'billing_worker' };

/** All objects of the database and its jobs: what a migration that is refused must leave as it is. */
async function everything(pool: Pool, ...tables: string[]): Promise<unknown> {
  const { rows } = await pool.query(`
    select (select array_agg(nspname order by nspname) from pg_namespace) as schemas,
           (select array_agg(c.oid || c.relname || c.xmin order by c.oid) from pg_class c) as classes,
           (select array_agg(p.oid || p.proname || p.xmin order by p.oid) from pg_proc p) as functions`);
  const contents = await Promise.all(tables.map((table) => pool.query(`select * from ${table} order by 1`)));
  return [rows, contents.map(({ rows }) => rows)];
}

async function expectRefusal(pool: Pool, message: RegExp, ...tables: string[]): Promise<void> {
  const before = await everything(pool, ...tables);
  await expect(migrate(pool)).rejects.toThrow(message);
  expect(await everything(pool, ...tables)).toEqual(before);
}

describe('a database in which another application', () => {
  test('has graphile-worker by itself is migrated, and nothing of that is changed', async () => {
    const { pool } = await createDatabase('template0');
    await runMigrations({ pgPool: pool, schema: 'graphile_worker' });
    await pool.query('delete from graphile_worker.migrations where id > 18');
    await pool.query(`select graphile_worker.add_job('send_mail', '["not ours"]')`);
    const before = await pool.query(`
      select array_agg(c.oid || c.relname || c.xmin order by c.oid) as classes,
             (select array_agg(m) from graphile_worker.migrations m) as migrations,
             (select array_agg(j) from graphile_worker._private_jobs j) as jobs
        from pg_class c where c.relnamespace = 'graphile_worker'::regnamespace`);
    expect((await migrate(pool)).applied).toContain('0001_tasks.sql');
    const after = await pool.query(`
      select array_agg(c.oid || c.relname || c.xmin order by c.oid) as classes,
             (select array_agg(m) from graphile_worker.migrations m) as migrations,
             (select array_agg(j) from graphile_worker._private_jobs j) as jobs
        from pg_class c where c.relnamespace = 'graphile_worker'::regnamespace`);
    expect(after.rows).toEqual(before.rows);
  });

  test('has the schema errand_worker is refused in words, however old or empty its graphile-worker is', async () => {
    const { pool } = await createDatabase('template0');
    await runMigrations({ pgPool: pool, schema: 'errand_worker' });
    const refused = /schema errand_worker belongs to another application.*no Errand in the schema errand/;
    await expectRefusal(pool, refused, 'errand_worker.migrations');
    await pool.query('delete from errand_worker.migrations where id > 18');
    await pool.query(`select errand_worker.add_job('send_mail', '["not ours"]')`);
    await expectRefusal(pool, refused, 'errand_worker.migrations', 'errand_worker._private_jobs');
  });

  test.each([
    ['tables', 'create schema errand create table tasks (id integer)', 'errand.tasks'],
    ['a function', `create schema errand; create function errand.x() returns text return 'x'`],
    ['migrations', 'create schema errand create table migrations (id integer)', 'errand.migrations'],
  ])('has %s in the schema errand is refused in words', async (_what, sql, ...tables) => {
    const { pool } = await createDatabase('template0');
    await pool.query(sql);
    await expectRefusal(pool, /schema errand belongs to another application.*ERRAND_SCHEMA/, ...tables);
  });

  test('has made both schemas and left them empty is migrated: an administrator did so', async () => {
    const { pool } = await createDatabase('template0');
    await pool.query('create schema errand; create schema errand_worker');
    expect((await migrate(pool)).applied).toContain('0001_tasks.sql');
  });
});

describe('beside another Errand', () => {
  test('the schemas of that are refused, be it the one or the other', async () => {
    const { pool, url } = await createDatabase();
    const worker = openTestPool(url, { errand: 'billing', worker: 'errand_worker' });
    await expectRefusal(worker, /schema errand_worker belongs to another application, or to another Errand/);
    const ledger = openTestPool(url, { errand: 'errand_worker', worker: 'billing_worker' });
    await expectRefusal(ledger, /schema errand_worker belongs to another application, or to another Errand/);
    expect(await migrate(pool)).toEqual({ applied: [], unknown: [] });
  });

  test('an Errand goes on only with the graphile-worker that it has', async () => {
    const { url } = await createDatabase();
    await migrate(openTestPool(url, BILLING));
    const mixed = openTestPool(url, { errand: 'billing', worker: 'errand_worker' });
    await expectRefusal(mixed, /has its graphile-worker in the schema billing_worker.*ERRAND_WORKER_SCHEMA/);
    expect(await migrate(openTestPool(url, BILLING))).toEqual({ applied: [], unknown: [] });
  });
});

test('a database whose dispatches are in graphile_worker is of before the first release', async () => {
  const { pool } = await createDatabase();
  await pool.query(`
    create schema graphile_worker;
    alter type errand_worker.job_spec set schema graphile_worker`);
  await expectRefusal(
    pool,
    /its graphile-worker is in the schema graphile_worker.*drop schema errand, graphile_worker cascade/,
  );
});
