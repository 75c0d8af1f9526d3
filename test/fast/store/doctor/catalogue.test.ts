import { expect, test } from 'vitest';
import { judgeEmptied } from '../../../../doctor/schema.ts';
import { migrate } from '../../../../store/database/migrate.ts';
import { DEFAULT_SCHEMAS } from '../../../../store/database/schemas.ts';
import { readCatalogue, readEmptied, readOtherErrands } from '../../../../store/doctor/catalogue.ts';
import { createDatabase, openTestPool } from '../../../support/database.ts';
import { driftOf } from './drift_of.ts';

const { pool, url } = await createDatabase();

/** What is found of a change, which is then rolled back: the same database serves all of them. */
async function after(change: string): Promise<Record<string, string>> {
  const client = await pool.connect();
  try {
    await client.query(`begin; ${change}`);
    const findings = await driftOf(client);
    return Object.fromEntries(
      findings.map(({ code, severity, subject }) => [String(subject), `${code} ${severity}`]),
    );
  } finally {
    await client.query('rollback');
    client.release();
  }
}

test('a migrated database has nothing missing, changed or extra', async () => {
  expect(await driftOf(pool)).toEqual([]);
  expect((await readCatalogue(pool)).length).toBeGreaterThan(200);
});

test('it is read the same in a session with other settings, as behind a pooler', async () => {
  const found = await after(`
    set local search_path = errand, errand_worker, public; set local quote_all_identifiers = on;
    set local timezone = 'Asia/Kathmandu'; set local datestyle = 'SQL, DMY'`);
  expect(found).toEqual({});
});

test('neither has one whose schemas have other names, even those of an alias, a table or a keyword', async () => {
  const names = [
    ['billing', 'billing_worker'],
    ['t', 'jobs'],
    ['tasks', 'user'],
  ] as const;
  for (const [errand, worker] of names) {
    const other = openTestPool(url, { errand, worker });
    await migrate(other);
    expect(await driftOf(other, { errand, worker })).toEqual([]);
    await other.query('drop index errand.tasks_running_idx');
    expect((await driftOf(other, { errand, worker })).map(({ subject }) => subject)).toEqual([
      `${errand}.tasks_running_idx`,
    ]);
  }
});

test.each([
  ['drop index errand.tasks_running_idx', { 'errand.tasks_running_idx': 'object_missing warning' }],
  ['drop index errand.tasks_dedup_hash_key', { 'errand.tasks_dedup_hash_key': 'object_missing error' }],
  ['drop index errand_worker.jobs_main_index', { 'errand_worker.jobs_main_index': 'object_missing warning' }],
  [
    'alter table errand.tasks drop column progress_note cascade',
    {
      'errand.tasks.progress_note': 'object_missing error',
      'errand.tasks.tasks_texts_check': 'object_missing error',
      // Its body used the column.
      'errand.callback_data(tasks)': 'object_missing error',
    },
  ],
  ['alter table errand.tasks add column colour text', { 'errand.tasks.colour': 'object_extra warning' }],
  ['alter table errand.logs add column colour text not null', { 'errand.logs.colour': 'object_extra error' }],
  ['alter table errand.logs alter level type varchar(40)', { 'errand.logs.level': 'object_changed error' }],
  ['alter table errand.tasks alter crashes drop default', { 'errand.tasks.crashes': 'object_changed error' }],
  ['alter table errand.tasks alter name reset (n_distinct)', { 'errand.tasks.name': 'object_changed error' }],
  ['alter table errand.logs alter message drop not null', { 'errand.logs.message': 'object_changed error' }],
  [
    'alter table errand.tasks drop constraint tasks_progress_check',
    { 'errand.tasks.tasks_progress_check': 'object_missing error' },
  ],
  [
    'alter table errand.tasks disable trigger queue_callback',
    { 'errand.tasks.queue_callback': 'object_changed error' },
  ],
  ['drop trigger queue_callback on errand.tasks', { 'errand.tasks.queue_callback': 'object_missing error' }],
  ['alter table errand.tasks set (autovacuum_enabled = off)', { 'errand.tasks': 'object_changed warning' }],
  ['alter table errand.pauses set unlogged', { 'errand.pauses': 'object_changed error' }],
  ['drop table errand.pauses', { 'errand.pauses': 'object_missing error' }],
  ['create table errand.notes (id int primary key)', { 'errand.notes': 'object_extra warning' }],
  [
    `create or replace function errand.got(value jsonb) returns text language sql as $$ select 'other' $$`,
    { 'errand.got(jsonb)': 'object_changed error' },
  ],
  ['alter function errand.submit_tasks security definer', undefined],
  [
    `create function errand.got(value text) returns text language sql as $$ select 'other' $$`,
    { 'errand.got(text)': 'object_extra warning' },
  ],
  [
    'drop function errand_worker.complete_jobs(bigint[])',
    { 'errand_worker.complete_jobs(_int8)': 'object_missing error' },
  ],
  ['alter table errand.tasks enable row level security', { 'errand.tasks': 'object_changed error' }],
  [
    'create rule no as on insert to errand.tasks do instead nothing',
    { 'errand.tasks.no': 'object_extra error' },
  ],
  ['alter table errand.tasks rename column reason to why', undefined],
] as const)('%s is found', async (change, expected) => {
  const found = await after(change);
  if (expected === undefined) expect(Object.keys(found)).not.toEqual([]);
  else expect(found).toEqual(expected);
});

test('an index whose making failed is found, and the remedy repairs it', async () => {
  const { pool: own } = await createDatabase();
  await own.query('drop index errand.tasks_dedup_hash_key');
  await own.query(`insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, dedup_hash)
                   select 'a.b', '1', 'cancelled', 0, 1, now(), '{}', 'x' from generate_series(1, 2)`);
  await expect(
    own.query(
      'create unique index concurrently tasks_dedup_hash_key on errand.tasks (dedup_hash) where dedup_hash is not null',
    ),
  ).rejects.toThrow(/could not create unique index/);
  const [finding] = await driftOf(own);
  expect(finding).toMatchObject({
    code: 'index_invalid',
    severity: 'error',
    subject: 'errand.tasks_dedup_hash_key',
  });
  await own.query('update errand.tasks set dedup_hash = null');
  await own.query('reindex index concurrently errand.tasks_dedup_hash_key');
  expect(await driftOf(own)).toEqual([]);
});

test('a table that has lost its row, and another Errand in the database, are seen', async () => {
  expect(await readEmptied(pool)).toEqual([]);
  const { pool: own } = await createDatabase();
  await own.query('truncate errand.watch, errand.rollup_watermark, errand.ticket_key');
  const emptied = await readEmptied(own);
  expect(emptied).toEqual(['watch', 'ticket_key', 'rollup_watermark']);
  for (const { remedy } of judgeEmptied(emptied, DEFAULT_SCHEMAS))
    await own.query(String(remedy).replace('Run: ', ''));
  expect(await readEmptied(own)).toEqual([]);
  expect(await readOtherErrands(own)).toEqual([]);
  await own.query('alter schema errand rename to shipping');
  expect(await readOtherErrands(own)).toEqual(['shipping']);
});

test('what the findings say to run repairs what was dropped', async () => {
  const { pool: own } = await createDatabase();
  await own.query(`
    drop index errand.tasks_due_idx, errand.tasks_dedup_hash_key;
    drop trigger queue_callback on errand.tasks;
    alter table errand.tasks drop constraint tasks_state_check;
    drop function errand.got(jsonb);
    alter table errand.tasks disable trigger announce_updated`);
  for (const { remedy } of await driftOf(own)) {
    const sql = /^Run: ([^;]*?)(; then run `errand migrate`.*|\. If rows .*)?$/.exec(String(remedy))?.[1];
    await own.query(String(sql));
  }
  await migrate(own);
  expect(await driftOf(own)).toEqual([]);
});
