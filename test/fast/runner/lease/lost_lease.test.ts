import { expect, test } from 'vitest';
import { endRunner } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { running } from '../../../support/runners.ts';
import { finished, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

test('a runner that learns while it gives attempts back that it is not live leaves their dispatch to others', async () => {
  const { pool } = await createDatabase();
  const runner = await startTestRunner(pool, { concurrency: 1 });
  const sleep = (ms: number) => ({ name: 'example.sleep', payload: { ms } });
  await submit(pool, sleep(60_000));
  await running(pool, 1);
  const ending = await pool.connect();
  await ending.query('begin');
  await ending.query('select from errand.runners where id = $1 for update', [runner.id]);
  // It waits for the slot of the first, in vain, and is given back; that waits for us.
  const second = await submitOne(pool, sleep(1));
  await until('it gives the second back', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%errand.dispatch_spec%'`,
    );
    return rows.length === 1;
  });
  await endRunner(ending, runner.id);
  await ending.query('commit');
  ending.release();
  await until('it has left the dispatch', async () => {
    const { rows } = await pool.query(
      `select from errand_worker.jobs j
         join errand.tasks t on t.dispatch_id::text = j.key
        where t.id = $1 and j.last_error like '%no longer live%' and j.locked_by is null`,
      [second.id],
    );
    return rows.length === 1;
  });
  await runner.leave();
  await startTestRunner(pool, { concurrency: 2 });
  expect((await finished(pool, second.id)).state).toBe('succeeded');
});
