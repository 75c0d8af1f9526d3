import { expect, test } from 'vitest';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { countDispatches, finished, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();
const echo = { name: 'example.echo', payload: { message: 'x' } };

test('a graphile-worker pool that ends by itself is replaced, and its work goes on', async () => {
  // Completion of a dispatch does not retry (graphile/worker#636): its pool gives up.
  await pool.query(`
    create function refuse() returns trigger language plpgsql as $$
    begin
      raise exception 'refused' using errcode = '40P01';
    end $$;
    create trigger refuse before delete on errand_worker._private_jobs for each row execute function refuse()`);
  const runner = await startTestRunner(pool);
  const first = await submitOne(pool, echo);
  expect(await finished(pool, first.id)).toMatchObject({ state: 'succeeded' });
  await until('the pool has given up', () => !runner.isFetching());
  await pool.query('drop trigger refuse on errand_worker._private_jobs');
  const second = await submitOne(pool, echo);
  expect(await finished(pool, second.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(runner.isFetching()).toBe(true);
  await until('the stale dispatch was dropped when seen', async () => (await countDispatches(pool)) === 0);
  expect(await finished(pool, first.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});
