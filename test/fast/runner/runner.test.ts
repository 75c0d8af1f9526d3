import { expect, test } from 'vitest';
import { getTask } from '../../../store/tasks/tasks.ts';
import { createDatabase } from '../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { countDispatches, finished, submit } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';
import { define, run } from './one_task.ts';

const { pool } = await createDatabase();

test('defaults and transforms are applied before the handler sees the payload', async () => {
  const task = await run(pool, 't.parse', (payload) => ({ got: payload }), { payload: { value: 'x' } });
  expect(task.result).toEqual({ got: { value: 'X' } });
  expect(task.payload).toEqual({ value: 'x' });
});

test('a handler gets the id, the number of the attempt, a signal and a log', async () => {
  const task = await run(pool, 't.context', (_payload, context) => {
    context.log.info('heard');
    return { id: context.id, attempt: context.attempt, aborted: context.signal.aborted };
  });
  expect(task.result).toEqual({ id: task.id, attempt: 1, aborted: false });
});

test('a runner fetches only the tasks that it has: the others wait for one that has them', async () => {
  const [mine, other] = [define('t.mine'), define('t.other')];
  await startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(mine, () => 'mine')]) });
  const [mineTask, otherTask] = await submit(
    pool,
    { name: 't.mine', payload: {} },
    { name: 't.other', payload: {} },
  );
  await finished(pool, String(mineTask?.id));
  expect(await getTask(pool, String(otherTask?.id))).toMatchObject({ state: 'queued', started_at: null });
  await startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(other, () => 'other')]) });
  expect(await finished(pool, String(otherTask?.id))).toMatchObject({
    state: 'succeeded',
    result: 'other',
    attempt: 1,
  });
});

test('many tasks on two runners: each is executed once, and no dispatch is left', async () => {
  const executions = new Map<string, number>();
  const definition = define('t.many');
  const registeredHandlers = new Map([
    registeredHandler(definition, (_payload, { id }) => {
      executions.set(id, (executions.get(id) ?? 0) + 1);
    }),
  ]);
  await startTestRunner(pool, { registeredHandlers });
  await startTestRunner(pool, { registeredHandlers });
  const tasks = await submit(pool, ...Array.from({ length: 1_000 }, () => ({ name: 't.many', payload: {} })));
  await until('all have succeeded', async () => {
    const { rows } = await pool.query(
      `select 1 from errand.tasks where name = 't.many' and state <> 'succeeded' limit 1`,
    );
    return rows.length === 0;
  });
  expect(executions.size).toBe(tasks.length);
  expect([...new Set(executions.values())]).toEqual([1]);
  await until('the dispatches are gone', async () => {
    const { rows } = await pool.query(
      `select 1 from errand_worker.jobs where task_identifier = 't.many' limit 1`,
    );
    return rows.length === 0;
  });
});

test('a job that is no dispatch is dropped, and the runner goes on', async () => {
  await pool.query(`select errand_worker.add_job('t.after_junk', '{"not": "a dispatch"}')`);
  const task = await run(pool, 't.after_junk', () => 'fine');
  expect(task.state).toBe('succeeded');
  await until('the junk is gone', async () => {
    const { rows } = await pool.query(
      `select 1 from errand_worker.jobs where task_identifier = 't.after_junk'`,
    );
    return rows.length === 0;
  });
});

test('a slow dispatch gives its unstarted attempts to an idle runner', async () => {
  const definition = define('t.slow');
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const started: string[] = [];
  const on = (runner: string): Map<string, ReturnType<typeof registeredHandler>[1]> =>
    new Map([
      registeredHandler(definition, async () => {
        started.push(runner);
        await gate;
      }),
    ]);
  await startTestRunner(pool, { concurrency: 2, registeredHandlers: on('first') });
  const tasks = await submit(pool, ...Array.from({ length: 4 }, () => ({ name: 't.slow', payload: {} })));
  await until('the first runner is full', () => started.length === 2);
  await startTestRunner(pool, { concurrency: 2, registeredHandlers: on('second') });
  await until('the second has the rest', () => started.length === 4);
  expect(started.sort()).toEqual(['first', 'first', 'second', 'second']);
  open();
  for (const { id } of tasks)
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('nothing of graphile-worker is left behind when all is done', async () => {
  await pool.query(`delete from errand_worker._private_jobs where run_at > now() + interval '1 minute'`);
  expect(await countDispatches(pool)).toBe(0);
});
