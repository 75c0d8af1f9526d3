import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { describe, expect, test } from 'vitest';
import { projectFiles } from '../../../../.ci/project_files.ts';
import { migrate } from '../../../../store/database/migrate.ts';
import {
  inOrder,
  type MigrationFile,
  readMigrationFiles,
} from '../../../../store/database/migration_files.ts';
import { readServer } from '../../../../store/database/server.ts';
import { schemaText } from '../../../schema/text.ts';
import { createDatabase } from '../../../support/database.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..', '..');
const FILES = await readMigrationFiles((await readServer((await createDatabase()).pool)).versionNumber);
const NAMES = [...FILES.tables, ...FILES.functions.values()].map(({ name }) => name);
/** What errand.got is in these tests when it is not what its file says. */
const OTHER_TEXT = `create or replace function errand.got(value jsonb) returns text language sql as $$ select 'other' $$`;

/** As when another text of errand.got was applied, before the one of its file or after it. */
async function applyOther(pool: Pool, when: 'instead' | 'before' | 'after'): Promise<void> {
  if (when === 'instead') await pool.query(`delete from errand.migrations where file = 'functions/got.sql'`);
  const interval = when === 'after' ? '1 hour' : '-1 hour';
  await pool.query(
    `insert into errand.migrations (file, hash, applied_at) values ('functions/got.sql', 'of another', now() + $1)`,
    [interval],
  );
  await pool.query(OTHER_TEXT);
}

async function got(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ got: string }>(`select errand.got('1') as got`);
  return rows[0]?.got;
}

describe('an empty database', () => {
  test('gets every file once, and there is nothing to do the second time', async () => {
    const { pool } = await createDatabase('template0');
    const { applied } = await migrate(pool);
    expect(applied.toSorted()).toEqual(NAMES.toSorted());
    expect(await migrate(pool)).toEqual({ applied: [], unknown: [] });
  });

  test('gets each step in a transaction, and the functions in that of the last one', async () => {
    const { pool } = await createDatabase('template0');
    await migrate(pool);
    const { rows } = await pool.query<{ files: string[] }>(
      'select array_agg(file) as files from errand.migrations group by applied_at order by applied_at',
    );
    const steps = rows.map(({ files }) => files.filter((file) => !file.startsWith('functions/')));
    expect(steps).toEqual(FILES.tables.map(({ name }) => [name]));
    expect(rows.at(-1)?.files).toContain('functions/submit.sql');
  });

  test('has the schema that migrations/schema.sql says', async () => {
    const file = join(ROOT, 'migrations', 'schema.sql');
    expect(readFileSync(file, 'utf8'), '`npm run schema` writes it').toBe(
      await schemaText((await createDatabase()).pool),
    );
  });
});

describe('F15: a function', () => {
  test('is applied again when its text is a new one', async () => {
    const { pool } = await createDatabase();
    await applyOther(pool, 'instead');
    expect(await migrate(pool)).toEqual({ applied: ['functions/got.sql'], unknown: [] });
    expect(await got(pool)).toBe(', got 1');
    expect(await migrate(pool)).toEqual({ applied: [], unknown: [] });
  });

  test('of a newer Errand is left as it is by an older one, which has been here before', async () => {
    const { pool } = await createDatabase();
    await applyOther(pool, 'after');
    expect(await migrate(pool)).toEqual({ applied: [], unknown: ['functions/got.sql'] });
    expect(await got(pool)).toBe('other');
  });

  test('of a newer schema is left as it is by an older Errand, which was never here', async () => {
    const { pool } = await createDatabase();
    await applyOther(pool, 'instead');
    await pool.query(`insert into errand.migrations (file, hash) values ('9999_next.sql', 'x')`);
    const unknown = ['9999_next.sql', 'functions/got.sql'];
    expect(await migrate(pool)).toEqual({ applied: [], unknown });
    expect(await got(pool)).toBe('other');
  });

  test('that was another before is not told of', async () => {
    const { pool } = await createDatabase();
    await applyOther(pool, 'before');
    expect(await migrate(pool)).toEqual({ applied: [], unknown: [] });
  });

  test('is applied before what its body uses is there', async () => {
    const { pool } = await createDatabase();
    await pool.query('alter table errand.tasks rename to tasks_to_come');
    await pool.query(`delete from errand.migrations where file = 'functions/count_before.sql'`);
    expect((await migrate(pool)).applied).toEqual(['functions/count_before.sql']);
  });

  test('has a file of its name, a body that Postgres can read, and somebody who calls it', async () => {
    const { pool } = await createDatabase();
    const { rows } = await pool.query<{ name: string }>(
      `select proname as name from pg_proc where pronamespace = 'errand'::regnamespace order by proname collate "C"`,
    );
    expect(rows.map(({ name }) => name)).toEqual([...FILES.functions.keys()].sort());
    const callers = [...FILES.tables, ...FILES.functions.values()].map(({ name: at, sql }) => ({ at, sql }));
    for (const at of projectFiles(ROOT).filter((path) => /^store\/.*\.ts$/.test(path)))
      callers.push({ at, sql: readFileSync(join(ROOT, at), 'utf8') });
    for (const [name, file] of FILES.functions) {
      // With check_function_bodies, which migrate turns off.
      await pool.query(file.sql);
      expect(file.sql).toContain(`\ncreate or replace function errand.${name}(`);
      const called = new RegExp(`errand\\.${name}\\s*\\(`);
      // Applications call this one.
      if (name !== 'submit')
        expect(
          callers.some(({ at, sql }) => at !== file.name && called.test(sql)),
          `${name} is called`,
        ).toBe(true);
    }
  });
});

describe('a database that can not be brought forward', () => {
  test('from before the first release is refused in words, and nothing of it is changed', async () => {
    const { pool } = await createDatabase('template0');
    await pool.query(`
      create schema errand;
      create table errand.migrations (file text primary key, applied_at timestamptz not null default now());
      insert into errand.migrations (file) values ('0001_ledger.sql'), ('0002_submit.sql');
      create table errand.tasks (id uuid primary key, name text not null);
      insert into errand.tasks values (gen_random_uuid(), 'billing.send_invoice')`);
    const before = await everything(pool);
    await expect(migrate(pool)).rejects.toThrow(
      /made before the first release.*Nothing was changed.*drop schema errand, graphile_worker cascade/,
    );
    expect(await everything(pool)).toEqual(before);
    await pool.query('drop schema errand cascade');
    expect((await migrate(pool)).applied).toContain('0001_tasks.sql');
  });

  test('by steps with another text is refused, and nothing of it is changed', async () => {
    const { pool } = await createDatabase();
    await pool.query(`update errand.migrations set hash = 'of another' where file = '0001_tasks.sql'`);
    await applyOther(pool, 'instead');
    const before = await everything(pool);
    await expect(migrate(pool)).rejects.toThrow(
      /0001_tasks.sql had another text when it was applied.*Nothing was changed/,
    );
    expect(await everything(pool)).toEqual(before);
  });
});

/** What a migration could change: objects by their rows of the catalogue, what is recorded, and tasks. */
async function everything(pool: Pool): Promise<unknown> {
  const { rows } = await pool.query(`
    select (select array_agg(c.oid || c.relname || c.xmin order by c.oid) from pg_class c where c.relnamespace = 'errand'::regnamespace) as classes,
           (select array_agg(p.oid || p.proname || p.xmin order by p.oid) from pg_proc p where p.pronamespace = 'errand'::regnamespace) as functions,
           (select array_agg(n.nspname order by n.nspname) from pg_namespace n) as schemas,
           (select array_agg(e.extname order by e.extname) from pg_extension e) as extensions,
           (select array_agg(m::text order by m.file) from errand.migrations m) as migrations,
           (select array_agg(t.id || t.name) from errand.tasks t) as tasks`);
  return rows;
}

describe('the order', () => {
  const file = (name: string, sql: string): MigrationFile => ({ name, sql, hash: name });
  const line = file('functions/line.sql', 'create function errand.line() returns text return errand.word();');
  const word = file('functions/word.sql', `create function errand.word() returns text return 'x';`);
  const quoted = file(
    'functions/quoted.sql',
    'create function errand.quoted() returns text language plpgsql as $$ begin return errand.word(); end; $$;',
  );
  const functions = new Map([line, quoted, word].map((each) => [each.name.slice(10, -4), each]));

  test('has what a table uses before it, and before that what this calls', () => {
    const table = file('0001_t.sql', 'create table errand.t (a text default errand.line());');
    expect(inOrder([table], functions)).toEqual([word, line, table]);
  });

  test('leaves what a quoted body calls, what is said in a comment, and what is dropped', () => {
    const step = file(
      '0002_t.sql',
      'drop function errand.quoted(text);\n-- Not errand.line().\nselect errand.quoted();',
    );
    expect(inOrder([quoted], functions)).toEqual([quoted]);
    expect(inOrder([file('0003_t.sql', 'drop function errand.line(text);'), line], functions)).toEqual([
      expect.objectContaining({ name: '0003_t.sql' }),
      word,
      line,
    ]);
    expect(inOrder([step], functions)).toEqual([quoted, step]);
  });
});
