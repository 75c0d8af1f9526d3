import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';

const { pool } = await createDatabase();

/** The tags of the tasks, and those of the table beside them. */
async function tags(): Promise<{ ofTasks: unknown[]; beside: unknown[] }> {
  const of = async (text: string): Promise<unknown[]> => (await pool.query(text)).rows;
  return {
    ofTasks: await of(
      `select distinct tag collate "C" as tag, t.id as task_id from errand.tasks t cross join unnest(t.tags) tag order by 1, 2`,
    ),
    beside: await of('select tag, task_id from errand.task_tags order by tag, task_id'),
  };
}

const INSERT = `
  insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload, tags)
  select 'a.b', '1', 'queued', 0, 1, now(), '{}', $1 from generate_series(1, $2)`;
const SOME = 'id in (select id from errand.tasks order by md5(id::text) limit $1)';

const change = fc.oneof(
  fc.record({ text: fc.constant(INSERT), values: fc.tuple(tagsOf(), fc.integer({ min: 0, max: 3 })) }),
  fc.record({
    text: fc.constant(`update errand.tasks set tags = $2 where ${SOME}`),
    values: fc.tuple(fc.integer({ min: 0, max: 3 }), tagsOf()),
  }),
  fc.record({
    text: fc.constant(`update errand.tasks set state = 'succeeded', finished_at = now() where ${SOME}`),
    values: fc.tuple(fc.integer({ min: 0, max: 3 })),
  }),
  fc.record({
    text: fc.constant(`delete from errand.tasks where ${SOME}`),
    values: fc.tuple(fc.integer({ min: 0, max: 3 })),
  }),
);

/** Also one tag twice: only submissions are checked for that. */
function tagsOf(): fc.Arbitrary<string[]> {
  return fc.array(fc.constantFrom('a', 'b', 'ä', 'B', ' '), { maxLength: 4 });
}

test('the tags beside the tasks are their tags, whatever was submitted, changed and deleted', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
      for (const { text, values } of changes) await pool.query<never>(text, values as unknown[]);
      const { ofTasks, beside } = await tags();
      expect(beside).toEqual(ofTasks);
    }),
    { numRuns: 25 },
  );
});

test('they are gone with all tasks', async () => {
  await pool.query(INSERT, [['a', 'b'], 5]);
  expect((await tags()).beside.length).toBeGreaterThanOrEqual(10);
  await pool.query('truncate errand.tasks cascade');
  expect(await tags()).toEqual({ ofTasks: [], beside: [] });
});

test('the migration finds the tags and the errors that there are already', async () => {
  const { pool: old } = await createDatabase();
  await old.query(`
    drop trigger add_tags on errand.tasks; drop trigger change_tags on errand.tasks; drop trigger delete_tags on errand.tasks;
    drop trigger count_failed on errand.tasks; drop trigger count_changed on errand.tasks; drop trigger count_deleted on errand.tasks;
    drop trigger empty_tasks on errand.tasks;
    drop table errand.task_tags, errand.error_counts, errand.error_count_changes;
    drop index errand.tasks_error_group_finished_idx, errand.tasks_error_id_idx;
    create index tasks_tags_idx on errand.tasks using gin (tags) where tags <> '{}'`);
  await old.query(
    `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, dismissed_at, payload, tags, error)
     select 'a.b', '1', case when n < 7 then 'failed' else 'succeeded' end, 0, 1, now(), now(), case when n = 1 then now() end, '{}',
            case when n % 2 = 0 then array['even', 'n' || n] else '{}' end,
            case when n < 7 then '{"error_type": "Error", "message": "no"}'::jsonb end
       from generate_series(1, 10) n`,
  );
  await old.query(
    await readFile(new URL('../../../../migrations/0018_flat_reads.sql', import.meta.url), 'utf8'),
  );
  const { rows } = await old.query(
    `select (select count(*) from errand.task_tags where tag = 'even') as even,
            (select count(*) from errand.task_tags) as tags,
            (select json_agg(tasks) from errand.error_counts) as errors`,
  );
  expect(rows).toEqual([{ even: 5, tags: 10, errors: [5] }]);
});
