import { expect, onTestFinished, test } from 'vitest';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { pause, resume } from '../../../support/pauses.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { dispatches, knows, many, poolsOf, startNoting } from '../pausable.ts';

const { pool } = await createDatabase();

test('several runners stop and go on together, and each task is executed once', async () => {
  const runners = [
    await startNoting(pool, ['six.x']),
    await startNoting(pool, ['six.x']),
    await startNoting(pool, ['six.x', 'six.y']),
  ];
  const all = (): string[] => runners.flatMap(({ started }) => started);
  await pause(pool, 'six.x', false);
  const tasks = await submit(pool, ...many(500, 'six.x'));
  await until('some runner has found it', () =>
    runners.some(({ runner }) => runner.pauses.isPaused('six.x')),
  );
  await pool.query(`notify errand_pause, 'six.x'`);
  for (const { runner } of runners) await knows(runner, 'six', ['six.x']);
  const { id } = await submitOne(pool, { name: 'six.y', payload: {} });
  await finished(pool, id);
  expect(all()).toEqual([id]);
  await resume(pool, 'six.x');
  for (const task of tasks) expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded' });
  expect(new Set(all()).size).toBe(501);
  expect(all()).toHaveLength(501);
});

test('a runner that starts while all it has is paused fetches nothing, is well, and begins when that ends', async () => {
  await pause(pool, 'seven');
  const tasks = await submit(pool, ...many(3, 'seven.a'), ...many(3, 'seven.b'));
  const { runner, started } = await startNoting(pool, ['seven.a', 'seven.b'], () => 'done', { leaseSecs: 2 });
  expect(runner.isFetching()).toBe(true);
  await until('it has looked for work, and again after a heartbeat', async () => {
    const { rows } = await pool.query(
      `select 1 from errand.runners where id = $1 and heartbeat_at > started_at + interval '2 seconds'`,
      [runner.id],
    );
    return rows.length === 1;
  });
  expect(runner.isFetching()).toBe(true);
  expect(await poolsOf(pool, runner)).toBe(1);
  expect(started).toEqual([]);
  expect(await dispatches(pool, 'seven.a')).toEqual([
    { key: expect.any(String), attempts: 0, is_locked: false },
  ]);
  await resume(pool, 'seven');
  for (const { id } of tasks) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
});

test('pauses that come and go do not touch the work of other names', async () => {
  const { runner, started } = await startNoting(pool, ['eight.off', 'eight.on']);
  const off = await submit(pool, ...many(20, 'eight.off'));
  const on: string[] = [];
  for (let round = 0; round < 10; round++) {
    await pause(pool, 'eight.off');
    on.push(...(await submit(pool, ...many(10, 'eight.on'))).map(({ id }) => id));
    await resume(pool, 'eight.off');
  }
  for (const id of [...on, ...off.map((task) => task.id)]) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
  expect(started).toHaveLength(120);
  expect(await poolsOf(pool, runner)).toBe(1);
});

test('what fails while its name is paused is tried again when that ends', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { runner, started } = await startNoting(
    pool,
    ['nine.x', 'nine.y'],
    async (_payload, { attempt, log }) => {
      log.info('begun');
      if (attempt > 1) return;
      await gate;
      throw new Error('the first attempt fails');
    },
  );
  const { id } = await submitOne(pool, { name: 'nine.x', payload: {} });
  await inState(pool, id, 'running');
  await pause(pool, 'nine.x');
  await knows(runner, 'nine', ['nine.x']);
  open();
  await inState(pool, id, 'retrying');
  const other = await submitOne(pool, { name: 'nine.y', payload: {} });
  expect(await finished(pool, other.id)).toMatchObject({ attempt: 2 });
  expect(await getTask(pool, id)).toMatchObject({ state: 'retrying', attempt: 2 });
  expect(started.filter((one) => one === id)).toHaveLength(1);
  await resume(pool, 'nine.x');
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(await outcomes(pool, id)).toEqual([
    [1, 'failed'],
    [2, 'succeeded'],
  ]);
});

test('a pool that can not look its new names up is replaced', async () => {
  const { runner } = await startNoting(pool, ['ten.off', 'ten.on']);
  await finished(pool, (await submitOne(pool, { name: 'ten.on', payload: {} })).id);
  // It also fires when nothing is inserted, as here: the names are known.
  await pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$;
    create trigger refuse before insert on errand_worker._private_tasks for each statement execute function refuse()`);
  const mend = () => pool.query('drop function if exists refuse cascade');
  onTestFinished(async () => void (await mend()));
  await pause(pool, 'ten.off');
  await until('the pool has given up', () => !runner.isFetching());
  await mend();
  const { id } = await submitOne(pool, { name: 'ten.on', payload: {} });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(await dispatches(pool, 'ten.off')).toEqual([]);
  expect(runner.isFetching()).toBe(true);
});
