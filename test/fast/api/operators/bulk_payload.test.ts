import { afterAll, expect, test } from 'vitest';
import { SEARCH_LIMIT } from '../../../../store/tasks/search.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startFileRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';

// A filter by payload has no index, so it is a search in bounded steps. A bulk operation takes all of them.

const { pool } = await createDatabase();
const api = await startApi(pool);
const runner = await startFileRunner(pool);
afterAll(() => runner.stop());

/** More tasks than one step looks at, so that the oldest and the newest are in different ones. */
await pool.query(
  `insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload)
   select 'many.one', '1', 'scheduled', 0, 1, now() + interval '1 day', jsonb_build_object('n', n, 'kind', n % 5000)
     from generate_series(1, $1::integer + 600) n`,
  [SEARCH_LIMIT],
);

const cancel = (payload: string, more: object = {}) =>
  api.call('POST', '/v1/tasks/cancel', { filter: { name: 'many.one', payload: [payload] }, ...more });

test('the count says that it may not be complete', async () => {
  const { body } = await cancel('/kind=7', { dry_run: true });
  expect(body).toMatchObject({ matched: 2, matched_is_estimate: true, changed: 0 });
});

test('a task changes all that match, wherever they are', async () => {
  const { status, body } = await cancel('/kind=7');
  expect(status).toBe(202);
  const done = await finished(pool, body.task.id);
  expect(done).toMatchObject({ state: 'succeeded', result: { changed: 3 } });
  const { rows } = await pool.query(
    `select (payload ->> 'n')::integer as n from errand.tasks where name = 'many.one' and state = 'cancelled' order by n`,
  );
  expect(rows.map(({ n }) => n)).toEqual([7, 5_007, 10_007]);
});

test('a limit holds over the steps', async () => {
  const { body } = await cancel('/kind=8', { limit: 2 });
  expect(await finished(pool, body.task.id)).toMatchObject({ result: { changed: 2 } });
  const { rows } = await pool.query(
    `select (payload ->> 'n')::integer as n from errand.tasks
      where name = 'many.one' and state = 'cancelled' and payload ->> 'kind' = '8' order by n`,
  );
  expect(rows.map(({ n }) => n)).toEqual([8, 5_008]);
});
