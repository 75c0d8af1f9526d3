import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { parse, type TemplateElement } from 'acorn';
import { describe, expect, test } from 'vitest';
import { projectFiles } from '../../../.ci/project_files.ts';
import { migrate } from '../../../store/database/migrate.ts';
import { NATIVE_SINCE, readMigrationFiles } from '../../../store/database/migration_files.ts';
import { rolesSql } from '../../../store/database/roles.ts';
import { DEFAULT_SCHEMAS, inSchemas } from '../../../store/database/schemas.ts';
import { createDatabase, openTestPool } from '../../support/database.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const OTHERS = { errand: 'billing', worker: 'jobs' };

/** The words `errand` and `errand_worker` of a text that stay, each with what is beside it. */
function left(sql: string, schemas = OTHERS): string[] {
  const changed = inSchemas(sql, schemas);
  return [...changed.matchAll(/\S*\berrand(_worker)?\b\S*/g)].map(([word]) => word);
}

describe('a statement in other schemas', () => {
  test.each([
    ['select * from errand.tasks', 'select * from "billing".tasks'],
    ['select errand_worker.add_jobs($1)', 'select "jobs".add_jobs($1)'],
    [
      'grant usage on schema errand, errand_worker to errand',
      'grant usage on schema "billing", "jobs" to errand',
    ],
    ['create schema if not exists errand;', 'create schema if not exists "billing";'],
    [
      `select 'errand.tasks'::regclass, 'errand'::regnamespace`,
      `select '"billing".tasks'::regclass, '"billing"'::regnamespace`,
    ],
    [`select to_regclass('errand_worker.jobs')`, `select to_regclass('"jobs".jobs')`],
    [
      `create function errand.f() returns errand.tasks as $$ select errand.g('errand.bulk') $$`,
      `create function "billing".f() returns "billing".tasks as $$ select "billing".g('errand.bulk') $$`,
    ],
  ])('%s becomes another', (sql, changed) => {
    expect(inSchemas(sql, OTHERS)).toBe(changed);
    expect(inSchemas(sql, DEFAULT_SCHEMAS)).toBe(sql);
  });

  test.each([
    `insert into t values ('errand.bulk', 'it''s errand.bulk')`,
    `select e'\\'errand.x', 'errand'`,
    "-- Postgres's errand.tasks\nselect 1 /* errand.tasks' */",
    'select "errand".tasks, "a errand.b"',
    'create role errand login; select a.errand.b, my_errand.x, errand_workers.y',
    `namespace in ('errand', 'webhook')`,
  ])('%s stays as it is', (sql) => {
    expect(inSchemas(sql, OTHERS)).toBe(sql);
  });
});

type Text = { at: string; text: string };

/** A node of a script, whatever it is. */
type Tree = { type: string; [part: string]: unknown };

/** The texts that stand in a script; what a template puts between its parts is a word. */
function textsOf(at: string): Text[] {
  const texts: Text[] = [];
  const visit = (node: Tree): void => {
    if (node.type === 'Literal' && typeof node.value === 'string') texts.push({ at, text: node.value });
    if (node.type === 'TemplateLiteral') {
      const quasis = node.quasis as TemplateElement[];
      texts.push({ at, text: quasis.map(({ value }) => value.cooked ?? '').join('x') });
    }
    for (const child of Object.values(node).flat())
      if (typeof child === 'object' && child !== null && 'type' in child) visit(child as Tree);
  };
  const code = stripTypeScriptTypes(readFileSync(join(ROOT, at), 'utf8'));
  visit(parse(code, { ecmaVersion: 'latest', sourceType: 'module' }) as unknown as Tree);
  return texts;
}

/** Texts of the store that have the word and are not statements: messages, names, and parts of a path. */
const NO_STATEMENTS =
  /^(errand migrate|errand_worker|errand|errand\.\w+ has no row.*|This version can't use .*)$/s;

test('each statement of the store, and each text of a migration, goes to the other schemas with all its parts', async () => {
  const { tables, functions } = await readMigrationFiles(NATIVE_SINCE);
  const migrations = [...tables, ...functions.values()].map(({ name: at, sql: text }) => ({ at, text }));
  const store = projectFiles(ROOT).filter((path) => /^store\/.*\.ts$/.test(path));
  const statements = [...migrations, ...store.flatMap(textsOf)].filter(
    ({ text }) => /\berrand(_worker)?\b/.test(text) && !NO_STATEMENTS.test(text),
  );
  expect(statements.length).toBeGreaterThan(100);
  const stayed = statements.flatMap(({ at, text }) => {
    const withoutComments = text.replaceAll(/--.*/g, '');
    return left(withoutComments).map((word) => `${at}: ${word}`);
  });
  // Names of Errand's own tasks, of applications, of the role of tests and of the parts of the manifest, a folder, and the rule itself.
  expect(stayed.sort()).toEqual([
    "functions/is_own_namespace.sql: ('errand',",
    'store/database/ownership.ts: (.errand)',
    'store/database/schemas.ts: (?<![\\w.$])(?:errand_worker|errand)(?![\\w$])',
    "store/database/writing.ts: ('errand.probe',",
    "store/doctor/catalogue.ts: 'errand'),",
    "store/doctor/catalogue.ts: 'errand_worker')",
    'store/doctor/manifest.ts: "errand_worker"',
    ...Array.from({ length: 4 }, () => "store/doctor/pool_facts.ts: 'errand"),
    "store/doctor/pool_facts.ts: ('errand",
    'store/doctor/pooler.ts: errand',
    "store/doctor/server_facts.ts: 'errand%'",
    "store/testing/databases.ts: 'errand'",
    'store/testing/databases.ts: errand',
    'store/testing/databases.ts: errand',
  ]);
});

test('the script of roles names the other schemas only', () => {
  const roles = { owner: 'o', api: 'a', runner: 'r', submitters: [{ role: 's', namespaces: ['errand'] }] };
  const words = (sql: string): string[] =>
    [...sql.matchAll(/\b(errand|billing|jobs)\b/g)].map(([word]) => word);
  const changed = rolesSql(roles, OTHERS).replaceAll(/--.*/g, '');
  expect(words(changed).filter((word) => word === 'errand')).toEqual(['errand']);
  expect(words(changed)).toContain('jobs');
});

test.each([
  { errand: 'user', worker: 'table' },
  { errand: 'x'.repeat(50), worker: `${'x'.repeat(50)}_worker` },
])('migrates into the schemas $errand and $worker, which then know no others', async (schemas) => {
  const { pool: plain, url } = await createDatabase('template0');
  const pool = openTestPool(url, schemas);
  expect((await migrate(pool)).applied).toContain('0001_tasks.sql');
  const { rows: made } = await plain.query(
    `select nspname as schema from pg_namespace where nspname !~ '^pg_|^information_schema$|^public$' order by 1`,
  );
  expect(made.map(({ schema }) => schema).sort()).toEqual(Object.values(schemas).sort());
  const { rows: functions } = await plain.query<{ name: string; text: string }>(
    `select proname as name, pg_get_functiondef(p.oid) as text
       from pg_proc p where pronamespace in (select oid from pg_namespace where nspname = any ($1)) and prokind = 'f'`,
    [Object.values(schemas)],
  );
  expect(functions.length).toBeGreaterThan(40);
  for (const { name, text } of functions)
    expect([name, text.replaceAll(/--.*/g, '').match(/\berrand(_worker)?\./g)]).toEqual([name, null]);
  const { rows: channels } = await pool.query(`select errand.channel('cancel') as cancel`);
  expect(channels).toEqual([{ cancel: `${schemas.errand}_cancel` }]);
  expect(await migrate(pool)).toEqual({ applied: [], unknown: [] });
});
