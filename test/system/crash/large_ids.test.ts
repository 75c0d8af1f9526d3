import { expect, test } from 'vitest';
import { taskNames } from '../../../core/registry.ts';
import { definitions, ownDefinitions } from '../../../tasks/index.ts';
import { createDatabase } from '../../support/database.ts';
import { recordHistory } from '../../support/history.ts';
import { retryTask } from '../../support/operator.ts';
import { startTestRunner } from '../../support/runner.ts';
import { startFixtureRunner } from '../../support/runners.ts';
import { countDispatches, finished, outcomes, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { fixtures } from './fixtures/tasks.ts';

const BEYOND = 2 ** 31 + 1_000;
const { url, pool } = await createDatabase();
const task = (name: string, ms: number, more: { maxAttempts?: number; delayMs?: number } = {}) => ({
  name: `fixture.${name}`,
  payload: { ms },
  ...more,
});

test('F18: ids of dispatches beyond 2^31: submitted, given back, retried, recorded, taken over, removed', async () => {
  const history = recordHistory();
  const { rows } = await pool.query<{ sequence: string }>(
    `select pg_get_serial_sequence('errand_worker._private_jobs', 'id') as sequence`,
  );
  await pool.query(`alter sequence ${rows[0]?.sequence} restart with ${BEYOND}`);
  const victim = await startFixtureRunner(url, { RUNNER_CONCURRENCY: '1' });
  const tasks = await submit(
    pool,
    task('work', 1_500),
    task('work', 1_500),
    task('work', 1),
    task('fail', 1),
    task('fail', 1, { maxAttempts: 1 }),
    task('work', 1, { delayMs: 500 }),
  );
  for (const { id } of tasks) history.ok(id);
  // With one slot the rest of the first dispatch is given back while its first task runs.
  await until('the unstarted rest has a dispatch of its own', async () => {
    const dispatches = await pool.query(`
      select count(distinct dispatch_id) as dispatches from errand.tasks where name = 'fixture.work' and state <> 'scheduled'`);
    return dispatches.rows[0]?.dispatches > 1;
  });
  const locked = await pool.query<{ id: number }>(
    'select id from errand_worker.jobs where locked_at is not null',
  );
  expect(Math.min(...locked.rows.map(({ id }) => id))).toBeGreaterThan(2 ** 31);
  victim.child.kill('SIGKILL');
  await startTestRunner(pool, { registeredHandlers: fixtures(() => {}), leaseSecs: 2 });
  const states: unknown[] = [];
  for (const { id } of tasks) states.push((await finished(pool, id)).state);
  expect(states).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded', 'failed', 'succeeded']);
  const failed = String(tasks[4]?.id);
  await retryTask(pool, failed);
  expect(await finished(pool, failed)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await outcomes(pool, String(tasks[3]?.id))).toEqual([
    [1, 'failed'],
    [2, 'succeeded'],
  ]);
  await until('the dispatches are gone', async () => (await countDispatches(pool)) === 0);
  await history.check(pool);
});

test('F18: no other id can grow so far by work that is done', async () => {
  const { rows } = await pool.query(`
    select relnamespace::regnamespace || '.' || relname as sequence
      from pg_sequence
      join pg_class on pg_class.oid = seqrelid
     where relnamespace in ('errand'::regnamespace, 'errand_worker'::regnamespace)
       and seqmax < 2.0 ^ 53
     order by 1`);
  // One per registration of a runner, per name of a task, and per named queue, of which there are none.
  expect(rows.map(({ sequence }) => sequence)).toEqual([
    'errand.runners_id_seq',
    'errand_worker.job_queues_id_seq',
    'errand_worker.tasks_id_seq',
  ]);
  const before = await pool.query('select last_value from errand_worker.tasks_id_seq');
  await startTestRunner(pool);
  await startTestRunner(pool);
  await until('both are fetching', async () => {
    const tasks = await pool.query(
      `select 1 from errand_worker._private_tasks where identifier = 'example.echo'`,
    );
    return tasks.rows.length === 1;
  });
  const after = await pool.query('select last_value from errand_worker.tasks_id_seq');
  // Each name once, and once more for who comes second.
  const names = taskNames([...definitions, ...ownDefinitions]).length;
  expect(Number(after.rows[0]?.last_value) - Number(before.rows[0]?.last_value)).toBeLessThanOrEqual(
    2 * names,
  );
});
