import { expect, test } from 'vitest';
import { deleteExpired } from '../../../../store/attempts/retention.ts';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();
const A_DAY_AND_TWO_WEEKS = { finished: 24, failed: 336 };

/** Which tasks are left of a definition with this policy, when one of each state ended so many hours ago. */
async function left(name: string, policy: object, endedHoursAgo: number): Promise<string[]> {
  await pool.query(
    `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
     values ($1, 'a', '1.0.0', '', '{}', $2)`,
    [name, policy],
  );
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, finished_at)
     select $1, '1.0.0', state, 0, 1, now(), '{}', now() - $2 * interval '1 hour'
       from unnest('{succeeded,failed,cancelled,resolved}'::text[]) states (state)`,
    [name, endedHoursAgo],
  );
  await deleteExpired(pool, A_DAY_AND_TWO_WEEKS, 100);
  const { rows } = await pool.query<{ state: string }>(
    'select state from errand.tasks where name = $1 order by state',
    [name],
  );
  return rows.map(({ state }) => state);
}

const ALL = ['cancelled', 'failed', 'resolved', 'succeeded'];

test.each<[string, object, number, string[]]>([
  ['within a day all are there', {}, 23, ALL],
  ['on Monday those that failed on Friday are there, and nothing else', {}, 72, ['failed']],
  ['after two weeks nothing is', {}, 337, []],
  [
    'a definition keeps its tasks for a shorter time, but for those that failed',
    { retentionHours: 1 },
    2,
    ['failed'],
  ],
  ['or for a longer time, those that failed too', { retentionHours: 1_000 }, 337, ALL],
  ['a definition keeps failed ones for as long as it says', { failedRetentionHours: 500 }, 400, ['failed']],
  [
    'and no longer',
    { retentionHours: 3, failedRetentionHours: 2 },
    2.5,
    ['cancelled', 'resolved', 'succeeded'],
  ],
])('%s', async (words, policy, hours, states) => {
  expect(await left(`a.${words.replaceAll(/\W+/g, '_')}`, policy, hours)).toEqual(states);
});

test('failed tasks that are kept are passed over in the index, without a look at the table', async () => {
  await pool.query(
    `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
     values ('a.many', 'a', '1.0.0', '', '{}', '{}')`,
  );
  await pool.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, finished_at)
     select 'a.many', '1.0.0', 'failed', 0, 1, now(), '{}', now() - interval '72 hours' from generate_series(1, 20000)`,
  );
  await pool.query('vacuum analyze errand.tasks');
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>(
    `explain (analyze, buffers off, costs off, timing off)
     select id from errand.tasks t
      where t.name = 'a.many' and t.parent_id is null and t.state = any ('{succeeded,cancelled,resolved}')
        and t.finished_at < now() - interval '24 hours'
      order by t.finished_at limit 500`,
  );
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/Index Cond: .*state = ANY/);
  expect(plan).not.toContain('Rows Removed by Filter');
});
