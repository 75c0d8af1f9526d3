import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../config/load.ts';
import { judgeConfiguration, judgeInvalid } from '../../../doctor/configuration.ts';
import { judgeDrift } from '../../../doctor/drift.ts';
import { effectsOf } from '../../../doctor/migration_effects.ts';
import { judgeEmptied, judgeMigrations, judgeOwners } from '../../../doctor/schema.ts';
import type { MigrationPlan } from '../../../store/database/migration_plan.ts';
import type { CatalogueObject } from '../../../store/doctor/catalogue.ts';

const SCHEMAS = { errand: 'billing', worker: 'billing_worker' };
const DONE: MigrationPlan = {
  worker: null,
  makesTable: false,
  transactions: [],
  unknown: [],
  isOptional: false,
};
const file = (name: string) => ({ name, sql: '', hash: '' });

describe('migrations', () => {
  test.each([
    [{}, 'schema_current ok'],
    [{ makesTable: true, transactions: [[file('0001_tasks.sql')]] }, 'schema_missing error'],
    [{ transactions: [[file('0002_next.sql')]] }, 'schema_old error'],
    [{ worker: { from: 18, to: 20 } }, 'schema_old error'],
    [{ transactions: [[file('functions/uuidv7.sql')]], isOptional: true }, 'schema_old warning'],
    [{ unknown: ['0009_next.sql'] }, 'schema_new warning'],
    [{ unknown: ['0009_next.sql'], transactions: [[file('a.sql')]] }, 'schema_old error'],
    [{ worker: { from: null, to: 20 } }, 'object_missing error'],
    [{ transactions: [[file('0001_tasks.sql')]] }, 'row_missing error', { hasTasks: true, others: [] }],
  ])('%j', (change, expected, around = { hasTasks: false, others: [] }) => {
    const { code, severity, message } = judgeMigrations({ ...DONE, ...change }, SCHEMAS, '1.2.3', around);
    expect(`${code} ${severity}`).toBe(expected);
    expect(message).toMatch(/1\.2\.3|billing/);
  });

  test('another Errand in the database is named, for one who has mistyped the schema', () => {
    const plan = { ...DONE, makesTable: true, transactions: [[file('0001_tasks.sql')]] };
    const around = { hasTasks: false, others: ['shipping'] };
    expect(judgeMigrations(plan, SCHEMAS, '1.2.3', around).message).toContain(
      'in other schemas of this database: shipping',
    );
  });

  test('a lost row is put back by the statement that its finding says', () => {
    expect(judgeEmptied(['watch'], SCHEMAS)).toMatchObject([
      {
        code: 'row_missing',
        subject: 'billing.watch',
        remedy: 'Run: insert into "billing".watch default values',
      },
    ]);
  });

  test('one owner is as it should be, two are not', () => {
    expect(judgeOwners(['a'])).toEqual([]);
    expect(judgeOwners(['a', 'b'])).toMatchObject([{ code: 'owner', severity: 'warning' }]);
  });
});

describe('drift', () => {
  const TABLE: CatalogueObject = { kind: 'table', name: 'errand.tasks', text: 'table' };
  const COLUMN: CatalogueObject = { kind: 'column', name: 'errand.tasks.id', text: 'uuid not null' };
  const INDEX: CatalogueObject = {
    kind: 'index',
    name: 'errand.tasks_i',
    text: 'CREATE INDEX tasks_i ON billing.tasks USING btree (id)',
  };
  const TRIGGER: CatalogueObject = { kind: 'trigger', name: 'errand.tasks.t', text: 'CREATE TRIGGER t' };
  const ALL = [TABLE, COLUMN, INDEX, TRIGGER];
  const judge = (found: CatalogueObject[], isUntested = false) =>
    judgeDrift({ expected: ALL, found, invalid: [], schemas: SCHEMAS, isUntested });

  test('a missing table is one finding, not one for each of its parts', () => {
    expect(judge([])).toMatchObject([{ code: 'object_missing', subject: 'billing.tasks' }]);
  });

  test('an extra table is one finding, too', () => {
    const extra = [TABLE, COLUMN, INDEX, TRIGGER].map((one) => ({
      ...one,
      name: one.name.replace('tasks', 'notes'),
      text: one.text.replace('billing.tasks', 'billing.notes'),
    }));
    expect(judge([...ALL, ...extra])).toMatchObject([{ code: 'object_extra', subject: 'billing.notes' }]);
  });

  test('names and remedies have the names of the schemas', () => {
    expect(judge([TABLE, COLUMN, TRIGGER])).toMatchObject([
      {
        subject: 'billing.tasks_i',
        remedy: 'Run: CREATE INDEX CONCURRENTLY tasks_i ON billing.tasks USING btree (id)',
      },
    ]);
  });

  test('a disabled trigger is told apart from a changed one', () => {
    const disabled = { ...TRIGGER, text: `${TRIGGER.text} (disabled)` };
    expect(judge([TABLE, COLUMN, INDEX, disabled])).toMatchObject([
      {
        message: 'The trigger billing.tasks.t is disabled',
        remedy: 'Run: alter table billing.tasks enable trigger t',
      },
    ]);
  });

  test('a server that was never tested may describe the same object in other words', () => {
    const found = [TABLE, { ...COLUMN, text: 'UUID NOT NULL' }, INDEX, TRIGGER];
    expect(judge(found)).toMatchObject([{ code: 'object_changed' }]);
    expect(judge(found, true)).toMatchObject([{ code: 'drift', severity: 'ok' }]);
  });
});

describe('the effects of a migration', () => {
  test.each([
    ['alter table errand.tasks add column a text;', ['errand.tasks locks it for a moment']],
    [
      'alter table errand.tasks alter column a type text',
      ['errand.tasks rewrites it, and nobody can read or write it meanwhile'],
    ],
    [
      'alter table errand.tasks\n  add constraint c check (a > 0)',
      ['errand.tasks reads all of it, and nobody can write it meanwhile'],
    ],
    [
      'alter table errand.tasks add constraint c check (a > 0) not valid',
      ['errand.tasks locks it for a moment'],
    ],
    ['alter table errand.tasks validate constraint c', ['errand.tasks reads all of it; others go on']],
    [
      'create index i on errand.tasks (a)',
      ['errand.tasks reads all of it, and nobody can write it meanwhile'],
    ],
    ['create index concurrently i on errand.tasks (a)', ['errand.tasks reads all of it; others go on']],
    ['update errand.tasks set a = 1', ['errand.tasks writes rows of it, which stay locked until the end']],
    [
      'create table errand.new (a int); create index i on errand.new (a); alter table errand.new add b int',
      [],
    ],
    [
      `create or replace function errand.f() returns void as $$ begin update errand.tasks set a = 1; end $$ language plpgsql`,
      [],
    ],
    ['-- alter table errand.tasks drop column a;\nselect 1', []],
  ])('%s', (sql, expected) => {
    expect(effectsOf(sql).map(({ table, effect }) => `${table} ${effect}`)).toEqual(expected);
  });
});

describe('the configuration', () => {
  test('each variable that is not accepted is a finding, and secrets are masked', () => {
    const given = { DATABASE_URL: 'mysql://ada:secret@host/db', RUNNER_CONCURRENCY: '0', API_KEYS: 'secret' };
    let message = '';
    try {
      parseConfig(given);
    } catch (error) {
      message = String((error as Error).message);
    }
    const findings = judgeInvalid(message);
    expect(findings.map(({ subject, severity }) => `${subject} ${severity}`).sort()).toEqual([
      'API_KEYS error',
      'DATABASE_URL error',
      'RUNNER_CONCURRENCY error',
    ]);
    expect(JSON.stringify(findings)).not.toContain('secret@');
    expect(findings.find(({ subject }) => subject === 'API_KEYS')?.message).toContain('API_KEYS=***');
  });

  test('what production refuses is warned of before', () => {
    const given = { JWKS_URL: 'http://id.example.com/keys' };
    expect(judgeConfiguration({ ...parseConfig(given), NODE_ENV: 'development' }, given)).toMatchObject([
      { severity: 'ok' },
      { code: 'configuration_unsafe', severity: 'warning', subject: 'JWKS_URL' },
    ]);
    expect(judgeConfiguration(parseConfig({}), {})).toMatchObject([{ severity: 'ok' }]);
  });
});
