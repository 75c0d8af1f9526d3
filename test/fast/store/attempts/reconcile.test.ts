import { expect, test } from 'vitest';
import { addPool } from '../../../../store/attempts/lease.ts';
import { dispatchLost, dropStaleDispatches } from '../../../../store/attempts/reconcile.ts';
import { claimRound } from '../../../../store/attempts/rounds.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { countDispatches, finished, submit, submitOne } from '../../../support/tasks.ts';

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
const echo = { name: 'example.echo', payload: { message: 'x' } };
const overdue = `run_at = run_at - interval '1 minute'`;

test('a due task that has lost its dispatch gets another, once, however many look', async () => {
  const tasks = await submit(pool, echo, echo, { ...echo, delayMs: 3_600_000 });
  await pool.query('delete from errand_worker._private_jobs');
  expect((await dispatchLost(pool)).dispatched).toBe(0);
  await pool.query(`update errand.tasks set ${overdue}`);
  const dispatched = await Promise.all(Array.from({ length: 5 }, () => dispatchLost(pool)));
  expect(dispatched.reduce((sum, { dispatched: count }) => sum + count, 0)).toBe(2);
  await startTestRunner(pool);
  for (const task of tasks.slice(0, 2)) {
    expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
  expect((await dispatchLost(pool)).dispatched).toBe(0);
  await pool.query('delete from errand.tasks');
});

test('a task whose dispatch is there, locked or not, is left alone', async () => {
  await submit(pool, echo, echo);
  await pool.query(`update errand.tasks set ${overdue}`);
  expect((await dispatchLost(pool)).dispatched).toBe(0);
  await pool.query(`update errand_worker._private_jobs set locked_at = now(), locked_by = 'pool-x'`);
  expect((await dispatchLost(pool)).dispatched).toBe(0);
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

test('a dispatch that a runner has fetched after its end is lost, and its task gets another', async () => {
  const task = await submitOne(pool, echo);
  await pool.query(`update errand.tasks set ${overdue}`);
  const runner = await registerRunner(pool, {
    ...{ host: 'test', pid: 1, version: 'test', taskNames: [], concurrency: 1, leaseSecs: 60 },
  });
  await addPool(pool, runner, 'pool-gone');
  await pool.query(`update errand_worker._private_jobs set locked_at = now(), locked_by = 'pool-gone'`);
  expect((await dispatchLost(pool)).dispatched).toBe(0);
  await endRunner(pool, runner);
  expect((await dispatchLost(pool)).dispatched).toBe(1);
  expect((await dispatchLost(pool)).dispatched).toBe(0);
  await startTestRunner(pool);
  expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

test('it looks at a slice of each name after an id, and says where the next one begins', async () => {
  const other = { name: 'example.now', payload: {} };
  const submitted = await submit(
    pool,
    ...Array.from({ length: 24 }, (_, index) => (index % 5 === 0 ? other : echo)),
  );
  const tasks = submitted.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await pool.query(`update errand.tasks set ${overdue}`);
  await pool.query('delete from errand_worker._private_jobs');
  const last = String(tasks.filter(({ name }) => name === echo.name)[9]?.id);
  const first = await dispatchLost(pool, undefined, 10);
  expect(first).toEqual({
    dispatched: tasks.filter(({ id }) => id <= last).length,
    isClean: true,
    next: last,
  });
  expect((await dispatchLost(pool, undefined, 10)).dispatched).toBe(0);
  const second = await dispatchLost(pool, last, 10);
  expect(second).toEqual({ dispatched: 24 - first.dispatched, isClean: true, next: null });
  expect(await dispatchLost(pool, undefined, 100)).toEqual({ dispatched: 0, isClean: true, next: null });
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

test('dispatches that no task names any more go; those that announce something stay, and so do locked ones', async () => {
  const later = { ...echo, delayMs: 3_600_000 };
  const cancelled = await submitOne(pool, later);
  const [, half] = await submit(pool, { ...later, priority: 1 }, { ...later, priority: 1 });
  const locked = await submitOne(pool, { ...later, priority: 2 });
  await pool.query(`update errand.tasks set dispatch_id = null, state = 'cancelled' where id = any ($1)`, [
    [cancelled.id, half?.id, locked.id],
  ]);
  await pool.query(
    `update errand_worker._private_jobs set locked_at = now(), locked_by = 'x' where priority = 2`,
  );
  expect(await countDispatches(pool)).toBe(3);
  expect(await dropStaleDispatches(pool)).toBe(1);
  expect(await countDispatches(pool)).toBe(2);
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

test('jobs of another application in the same database are left alone', async () => {
  await pool.query(`
    select errand_worker.add_job('send_mail', '[]', run_at => now() + interval '1 day', job_key => 'empty'),
           errand_worker.add_job('send_mail', '["no uuid"]', run_at => now() + interval '1 day', job_key => 'other')`);
  const cancelled = await submitOne(pool, { ...echo, delayMs: 3_600_000 });
  await pool.query(`update errand.tasks set dispatch_id = null, state = 'cancelled' where id = $1`, [
    cancelled.id,
  ]);
  expect(await dropStaleDispatches(pool)).toBe(1);
  expect(await countDispatches(pool)).toBe(2);
  await pool.query('delete from errand.tasks; delete from errand_worker._private_jobs');
});

test('what the reconciler reads does not grow with the finished tasks', async () => {
  const finish = (count: number) =>
    pool.query(`
      insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, payload)
      select 'example.echo', '1', 'succeeded', 0, 1, now() - interval '1 hour', now(), '{}'
        from generate_series(1, ${count})`);
  await finish(1_000);
  const few = await blocksOfDispatchLost();
  await finish(20_000);
  expect(await blocksOfDispatchLost()).toBeLessThan(1.5 * few);
});

/** What Postgres reads for it, of 8 KiB each, by the index. */
async function blocksOfDispatchLost(): Promise<number> {
  await pool.query('vacuum (analyze) errand.tasks');
  const client = await pool.connect();
  const notices: string[] = [];
  client.on('notice', ({ message }) => notices.push(String(message)));
  await client.query(`
    load 'auto_explain';
    set auto_explain.log_min_duration = 0;
    set auto_explain.log_analyze = on;
    set auto_explain.log_buffers = on;
    set client_min_messages = log`);
  expect((await dispatchLost(client)).dispatched).toBe(0);
  client.release(true);
  const plan = notices.join('\n');
  expect(plan).toContain('Index Scan using tasks_name_state_id_idx');
  expect(plan).not.toContain('Seq Scan on tasks');
  return Number(/shared hit=(\d+)/.exec(plan)?.[1]);
}

test('a round of maintenance is claimed by one of many at a time', async () => {
  const claims = await Promise.all(Array.from({ length: 8 }, () => claimRound(pool, 'a round', 60)));
  expect(claims.filter(Boolean)).toHaveLength(1);
  expect(await claimRound(pool, 'a round', 60)).toBe(false);
  await pool.query(`update errand.rounds set claimed_at = now() - interval '61 seconds'`);
  expect(await claimRound(pool, 'a round', 60)).toBe(true);
});
