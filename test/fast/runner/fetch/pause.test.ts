import { expect, test } from 'vitest';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { pause, resume } from '../../../support/pauses.ts';
import { finished, inState, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { dispatches, knows, many, poolsOf, startNoting } from '../pausable.ts';

const { pool } = await createDatabase();

test('a paused name starts nothing, what runs of it and the other names go on, and resuming runs all', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { runner, started } = await startNoting(
    pool,
    ['one.slow', 'one.quick'],
    async (_payload, { log }) => {
      log.info('begun');
      await gate;
    },
  );
  const underWay = await submitOne(pool, { name: 'one.slow', payload: {} });
  await inState(pool, underWay.id, 'running');
  await pause(pool, 'one.slow');
  await knows(runner, 'one', ['one.slow']);
  const paused = await submit(pool, ...many(5, 'one.slow'));
  open();
  expect(await finished(pool, underWay.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  const { id } = await submitOne(pool, { name: 'one.quick', payload: {} });
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  expect(started).toEqual([underWay.id, id]);
  expect(await dispatches(pool, 'one.slow')).toEqual([
    { key: expect.any(String), attempts: 0, is_locked: false },
  ]);
  await resume(pool, 'one.slow');
  for (const task of paused) {
    expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
  expect(started).toHaveLength(7);
  expect(await poolsOf(pool, runner)).toBe(1);
});

test('a paused namespace stops all of its names and no other, also one that begins alike', async () => {
  const { runner, started } = await startNoting(pool, ['two.a', 'two.b', 'two_more.a']);
  await pause(pool, 'two');
  await knows(runner, 'two', ['two']);
  expect(runner.pauses.of('two_more')).toEqual([]);
  const paused = await submit(pool, ...many(2, 'two.a'), ...many(2, 'two.b'));
  const other = await submitOne(pool, { name: 'two_more.a', payload: {} });
  await finished(pool, other.id);
  expect(started).toEqual([other.id]);
  // A pause of a name within it lasts when that of the namespace ends.
  await pause(pool, 'two.b');
  await knows(runner, 'two', ['two', 'two.b']);
  await resume(pool, 'two');
  for (const { id } of paused.slice(0, 2)) await finished(pool, id);
  expect(started).toHaveLength(3);
  await resume(pool, 'two.b');
  for (const { id } of paused.slice(2)) await finished(pool, id);
  expect(started).toHaveLength(5);
});

test('when the notification of a pause is lost its begin refuses, and the dispatch that is given back lies', async () => {
  const { runner, started } = await startNoting(pool, ['three.x', 'three_other.x']);
  await pause(pool, 'three', false);
  const tasks = await submit(
    pool,
    { name: 'three.x', payload: {}, priority: 7, runAt: '2020-01-01T00:00:00.000Z' },
    ...many(3, 'three.x'),
  );
  await knows(runner, 'three', ['three']);
  const others = await submit(pool, ...many(1, 'three_other.x'));
  // From here on nothing is fetched by the old names.
  for (const { id } of others) await finished(pool, id);
  const lying = await until('the dispatches are given back', async () => {
    const list = await dispatches(pool, 'three.x');
    return list.length === 2 && list.every(({ is_locked }) => !is_locked) && list;
  });
  others.push(await submitOne(pool, { name: 'three_other.x', payload: {} }));
  for (const { id } of others) await finished(pool, id);
  expect(started).toEqual(others.map(({ id }) => id));
  expect(await dispatches(pool, 'three.x')).toEqual(lying);
  const { rows } = await pool.query(
    `select t.state, t.attempt, t.priority, t.run_at, job.priority = t.priority as same, job.run_at as dispatch_at
       from errand.tasks t join errand_worker.jobs job on job.key = t.dispatch_id::text
      where t.id = $1`,
    [tasks[0]?.id],
  );
  const runAt = '2020-01-01T00:00:00.000Z';
  const kept = { state: 'queued', attempt: 1, priority: 7, run_at: runAt, same: true, dispatch_at: runAt };
  expect(rows).toEqual([kept]);
  await resume(pool, 'three');
  for (const { id } of tasks) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
});

test('a heartbeat brings what notifications did not: a pause before there is work, and its end', async () => {
  const { runner, started } = await startNoting(pool, ['four.x'], () => 'done', { leaseSecs: 2 });
  await pause(pool, 'four', false);
  await knows(runner, 'four', ['four']);
  const { id } = await submitOne(pool, { name: 'four.x', payload: {} });
  await resume(pool, 'four', false);
  await finished(pool, id);
  expect(started).toEqual([id]);
});

test('of a dispatch of a hundred that waits for slots nothing more is started', async () => {
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const { runner, started } = await startNoting(pool, ['five.x'], () => gate, { concurrency: 2 });
  const tasks = await submit(pool, ...many(100, 'five.x'));
  await until('the slots are taken', () => started.length === 2);
  await pause(pool, 'five.x');
  await knows(runner, 'five', ['five.x']);
  open();
  for (const id of started) expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  await until('the rest is given back', async () => {
    const list = await dispatches(pool, 'five.x');
    return list.length > 0 && list.every((dispatch) => !dispatch.is_locked);
  });
  const states = await Promise.all(tasks.map(({ id }) => getTask(pool, id)));
  const unstarted = states.filter((task) => task?.state === 'queued' && task.attempt === 1);
  expect(unstarted).toHaveLength(98);
  expect(started).toHaveLength(2);
  await resume(pool, 'five.x');
  for (const { id } of tasks) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
  }
  expect(new Set(started).size).toBe(100);
  expect(started).toHaveLength(100);
});
