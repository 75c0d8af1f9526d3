import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Database } from '../../../../store/database/pool.ts';
import { listErrorGroups, sumUpErrors } from '../../../../store/operators/errors.ts';
import { createDatabase } from '../../../support/database.ts';
import { scansOf } from '../../../support/plans.ts';
import { type Statement, watched } from '../../api/app.ts';

const { pool } = await createDatabase();
const SOME = 'id in (select id from errand.tasks order by md5(id::text) limit $1)';
const FAIL = `
  insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, payload, error)
  select 'a.b', '1', 'failed', 0, 1, now(), clock_timestamp(), '{}', jsonb_build_object('error_type', $1::text, 'message', 'no')
    from generate_series(1, $2)`;

/** The groups as a plain query sees them. */
async function plain(): Promise<unknown[]> {
  const { rows } = await pool.query<{ first_seen: string; last_seen: string }>(
    `select error_group, count(*) as count, min(finished_at) as first_seen, max(finished_at) as last_seen
       from errand.tasks
      where error_group is not null and (dismissed_at >= finished_at) is not true
      group by error_group order by error_group`,
  );
  return rows;
}

async function listed(): Promise<unknown[]> {
  const { groups } = await listErrorGroups(pool, {});
  return groups
    .map(({ error_group, count, first_seen, last_seen }) => ({ error_group, count, first_seen, last_seen }))
    .sort((one, other) => (one.error_group < other.error_group ? -1 : 1));
}

const few = fc.integer({ min: 0, max: 4 });
const type = fc.constantFrom('A', 'B', 'C');
const error = `jsonb_build_object('error_type', $2::text, 'message', 'no')`;
const change = fc.oneof(
  fc.record({ text: fc.constant(FAIL), values: fc.tuple(type, few) }),
  ...[
    `update errand.tasks set state = 'failed', finished_at = clock_timestamp(), error = ${error} where ${SOME}`,
    `update errand.tasks set error = ${error} where ${SOME}`,
  ].map((text) => fc.record({ text: fc.constant(text), values: fc.tuple(few, type) })),
  ...[
    `update errand.tasks set state = 'queued', finished_at = null, error = null where ${SOME}`,
    `update errand.tasks set dismissed_at = clock_timestamp() where ${SOME}`,
    `update errand.tasks set progress = 0.5 where ${SOME}`,
    `delete from errand.tasks where ${SOME}`,
  ].map((text) => fc.record({ text: fc.constant(text), values: fc.tuple(few) })),
  fc.constant('sum up' as const),
);

test('groups and their counts are those of a plain query, whatever enters and leaves them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 10 }), async (changes) => {
      for (const one of changes) {
        if (one === 'sum up') await sumUpErrors(pool);
        else await pool.query<never>(one.text, one.values);
      }
      expect(await listed()).toEqual(await plain());
    }),
    { numRuns: 40 },
  );
});

test('nothing is lost or counted twice when several add up while tasks fail and are retried', async () => {
  const failing = async (): Promise<void> => {
    for (let n = 0; n < 10; n++) {
      await pool.query(FAIL, ['B', 7]);
      await pool.query(FAIL, ['A', 3]);
      await pool.query(`update errand.tasks set state = 'queued', finished_at = null where ${SOME}`, [5]);
    }
  };
  const addingUp = async (): Promise<void> => {
    for (let n = 0; n < 20; n++) await sumUpErrors(pool);
  };
  await Promise.all([failing(), failing(), addingUp(), addingUp()]);
  expect(await listed()).toEqual(await plain());
  while ((await sumUpErrors(pool)) > 0);
  expect(await listed()).toEqual(await plain());
  const { rows } = await pool.query('select from errand.error_count_changes');
  expect(rows).toEqual([]);
});

test('a group that has no task any more takes no row, and all go with all tasks', async () => {
  await pool.query(FAIL, ['Z', 2]);
  await sumUpErrors(pool);
  await pool.query(`delete from errand.tasks where error ->> 'error_type' = 'Z'`);
  while ((await sumUpErrors(pool)) > 0);
  expect((await pool.query('select from errand.error_counts where tasks < 1')).rows).toEqual([]);
  await pool.query(FAIL, ['Z', 2]);
  await pool.query('truncate errand.tasks cascade');
  expect(await listed()).toEqual([]);
  await pool.query(FAIL, ['Z', 3]);
  expect(await listed()).toMatchObject([{ count: 3 }]);
});

test('a list of groups reads as much of a group of thousands as of a group of two', async () => {
  await pool.query('truncate errand.tasks cascade');
  await pool.query(FAIL, ['A', 2]);
  await pool.query(FAIL, ['B', 2]);
  const read = async (): Promise<number> => {
    while ((await sumUpErrors(pool)) > 0);
    await pool.query('vacuum analyze errand.tasks, errand.error_counts, errand.error_count_changes');
    const statements: Statement[] = [];
    const database: Database = watched(pool, (statement) => statements.push(statement));
    await listErrorGroups(database, {});
    const [statement] = statements;
    if (statement === undefined) throw new Error('nothing was sent');
    return (await scansOf(pool, statement)).reduce((sum, scan) => sum + scan.read, 0);
  };
  await read();
  for (let n = 0; n < 4; n++) await pool.query(FAIL, ['A', 1_500]);
  expect(await read()).toBeLessThanOrEqual(40);
  expect(await listed()).toEqual(await plain());
});
