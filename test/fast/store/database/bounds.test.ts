import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { submitOne } from '../../../support/tasks.ts';

const { pool } = await createDatabase();

/** -infinity: until somebody watches. It is compared by Postgres, and read by nobody. */
const WITHOUT_BOUNDS = ['watch.watched_until', 'migrations.applied_at'];

test('every column that holds a time has a constraint, and each constraint is validated', async () => {
  const { rows } = await pool.query<{ name: string }>(`
    select c.relname || '.' || a.attname as name
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid and c.relnamespace = 'errand'::regnamespace and c.relkind = 'r'
     where a.atttypid = 'timestamptz'::regtype and not a.attisdropped
       and not exists (select from pg_constraint k
                        where k.conrelid = c.oid and k.contype = 'c' and k.convalidated and a.attnum = any (k.conkey))`);
  expect(rows.map(({ name }) => name).sort()).toEqual(WITHOUT_BOUNDS.sort());
  const { rows: open } = await pool.query(
    `select conname from pg_constraint where connamespace = 'errand'::regnamespace and not convalidated`,
  );
  expect(open).toEqual([]);
});

test.each([
  [`update errand.tasks set run_at = 'infinity'`, 'tasks_times_check'],
  [`update errand.tasks set finished_at = '-infinity'`, 'tasks_times_check'],
  [`update errand.tasks set started_at = '10000-01-01Z'`, 'tasks_times_check'],
  [`update errand.tasks set cancel_requested_at = '1969-12-31Z'`, 'tasks_times_check'],
  [`update errand.tasks set dedup_until = 'infinity'`, 'tasks_times_check'],
  [`update errand.tasks set initiator = repeat('a', 5000)`, 'tasks_texts_check'],
  [`update errand.tasks set progress = 'NaN'`, 'tasks_progress_check'],
  [`update errand.definitions set registered_at = 'infinity'`, 'definitions_times_check'],
  [`update errand.rollup_watermark set rolled_up_to = 'infinity'`, 'rollup_watermark_times_check'],
  [
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs) values ('', 1, '', '{}', 1, 'NaN')`,
    'runners_lease_check',
  ],
])('whoever writes %s meets a constraint', async (statement, constraint) => {
  await submitOne(pool, { name: 's.x', payload: {} });
  await pool.query(
    `insert into errand.definitions (name, namespace, version, schema_hash, payload_schema, policy)
     values ('s.x', 's', '1', '', '{}', '{}') on conflict do nothing`,
  );
  await expect(pool.query(statement)).rejects.toMatchObject({ code: '23514', constraint });
});
