import { expect, test } from 'vitest';
import { registerDefinitions } from '../../store/definitions.ts';
import { dropStaleRings, ringLost } from '../../store/reconcile.ts';
import { claimRound } from '../../store/rounds.ts';
import { definitions } from '../../tasks/index.ts';
import { createDatabase } from '../support/database.ts';
import { startTestRunner } from '../support/runner.ts';
import { countRings, finished, submit, submitOne } from '../support/tasks.ts';

const { pool } = await createDatabase();
await registerDefinitions(pool, definitions);
const echo = { name: 'example.echo', payload: { message: 'x' } };
const overdue = `run_at = run_at - interval '1 minute'`;

test('a due task that has lost its ring gets another, once, however many look', async () => {
  const tasks = await submit(pool, echo, echo, { ...echo, delayMs: 3_600_000 });
  await pool.query('delete from graphile_worker._private_jobs');
  expect((await ringLost(pool)).rung).toBe(0);
  await pool.query(`update errand.tasks set ${overdue}`);
  const rung = await Promise.all(Array.from({ length: 5 }, () => ringLost(pool)));
  expect(rung.reduce((sum, { rung: count }) => sum + count, 0)).toBe(2);
  await startTestRunner(pool);
  for (const task of tasks.slice(0, 2)) {
    expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
  expect((await ringLost(pool)).rung).toBe(0);
  await pool.query('delete from errand.tasks');
});

test('a task whose ring is there, locked or not, is left alone', async () => {
  await submit(pool, echo, echo);
  await pool.query(`update errand.tasks set ${overdue}`);
  expect((await ringLost(pool)).rung).toBe(0);
  await pool.query(`update graphile_worker._private_jobs set locked_at = now(), locked_by = 'pool-x'`);
  expect((await ringLost(pool)).rung).toBe(0);
  await pool.query('delete from errand.tasks; delete from graphile_worker._private_jobs');
});

test('it looks at a slice of each name after an id, and says where the next one begins', async () => {
  const other = { name: 'example.now', payload: {} };
  const submitted = await submit(
    pool,
    ...Array.from({ length: 24 }, (_, index) => (index % 5 === 0 ? other : echo)),
  );
  const tasks = submitted.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  await pool.query(`update errand.tasks set ${overdue}`);
  await pool.query('delete from graphile_worker._private_jobs');
  const last = String(tasks.filter(({ name }) => name === echo.name)[9]?.id);
  const first = await ringLost(pool, undefined, 10);
  expect(first).toEqual({ rung: tasks.filter(({ id }) => id <= last).length, isClean: true, next: last });
  expect((await ringLost(pool, undefined, 10)).rung).toBe(0);
  const second = await ringLost(pool, last, 10);
  expect(second).toEqual({ rung: 24 - first.rung, isClean: true, next: null });
  expect(await ringLost(pool, undefined, 100)).toEqual({ rung: 0, isClean: true, next: null });
  await pool.query('delete from errand.tasks; delete from graphile_worker._private_jobs');
});

test('rings that no task names any more go; those that announce something stay, and so do locked ones', async () => {
  const later = { ...echo, delayMs: 3_600_000 };
  const cancelled = await submitOne(pool, later);
  const [, half] = await submit(pool, { ...later, priority: 1 }, { ...later, priority: 1 });
  const locked = await submitOne(pool, { ...later, priority: 2 });
  await pool.query(`update errand.tasks set ring = null, state = 'cancelled' where id = any ($1)`, [
    [cancelled.id, half?.id, locked.id],
  ]);
  await pool.query(
    `update graphile_worker._private_jobs set locked_at = now(), locked_by = 'x' where priority = 2`,
  );
  expect(await countRings(pool)).toBe(3);
  expect(await dropStaleRings(pool)).toBe(1);
  expect(await countRings(pool)).toBe(2);
  await pool.query('delete from errand.tasks; delete from graphile_worker._private_jobs');
});

test('what the reconciler reads does not grow with the finished tasks', async () => {
  const finish = (count: number) =>
    pool.query(`
      insert into errand.tasks (name, version, state, priority, max_attempts, run_at, finished_at, payload)
      select 'example.echo', '1', 'succeeded', 0, 1, now() - interval '1 hour', now(), '{}'
        from generate_series(1, ${count})`);
  await finish(1_000);
  const few = await blocksOfRingLost();
  await finish(20_000);
  expect(await blocksOfRingLost()).toBeLessThan(1.5 * few);
});

/** What Postgres reads for it, of 8 KiB each, by the index. */
async function blocksOfRingLost(): Promise<number> {
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
  expect((await ringLost(client)).rung).toBe(0);
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
