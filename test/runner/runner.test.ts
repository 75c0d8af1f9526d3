import { expect, test } from 'vitest';
import { z } from 'zod';
import { PermanentError } from '../../core/errors.ts';
import { defineTask, type Handler, type TaskDefinition } from '../../core/task.ts';
import { getTask, listAttempts, retryTask } from '../../store/tasks.ts';
import { createDatabase } from '../support/database.ts';
import { executable, startTestRunner } from '../support/runner.ts';
import { countRings, finished, inState, outcomes, submit, submitOne } from '../support/tasks.ts';
import { until } from '../support/until.ts';

const { pool } = await createDatabase();
const quick = { initialMs: 1, maxMs: 1, jitter: 0 };

function define(
  name: `${string}.${string}`,
  more: { result?: z.ZodType; maxAttempts?: number } = {},
): TaskDefinition {
  return defineTask({
    name,
    version: '1.0.0',
    description: 'For a test',
    payload: z.strictObject({
      value: z
        .string()
        .default('nothing')
        .transform((text) => text.toUpperCase()),
    }),
    example: {},
    policy: { backoff: quick, dedup: { strategy: 'none' } },
    ...(more.result ? { result: more.result } : {}),
  }) as unknown as TaskDefinition;
}

/** Runs one task of its own definition with a handler, and gives it when it has finished. */
async function run(
  name: `${string}.${string}`,
  handler: Handler,
  more: Parameters<typeof define>[1] & { payload?: unknown } = {},
) {
  const definition = define(name, more);
  await startTestRunner(pool, { executables: new Map([executable(definition, handler)]) });
  const task = await submitOne(pool, {
    name,
    payload: more.payload ?? {},
    maxAttempts: more.maxAttempts ?? 3,
  });
  return finished(pool, task.id);
}

test('defaults and transforms are applied before the handler sees the payload', async () => {
  const task = await run('t.parse', (payload) => ({ got: payload }), { payload: { value: 'x' } });
  expect(task.result).toEqual({ got: { value: 'X' } });
  expect(task.payload).toEqual({ value: 'x' });
});

test('a handler gets the id, the number of the attempt, a signal and a log', async () => {
  const task = await run('t.context', (_payload, context) => {
    context.log.info('heard');
    return { id: context.id, attempt: context.attempt, aborted: context.signal.aborted };
  });
  expect(task.result).toEqual({ id: task.id, attempt: 1, aborted: false });
});

test('a thrown error is tried again and its attempts are kept', async () => {
  const task = await run('t.retry', (_payload, { attempt }) => {
    if (attempt < 3)
      throw Object.assign(new TypeError(`failed ${attempt}`), { code: 'E_X', metadata: { at: attempt } });
    return 'at last';
  });
  expect(task).toMatchObject({ state: 'succeeded', result: 'at last', attempt: 3, error: null });
  expect(await listAttempts(pool, task.id)).toMatchObject([
    {
      attempt: 1,
      outcome: 'failed',
      error: {
        error_type: 'TypeError',
        message: 'failed 1',
        error_code: 'E_X',
        retryable: true,
        metadata: { at: 1 },
      },
    },
    {
      attempt: 2,
      outcome: 'failed',
      error: { message: 'failed 2', stack: expect.stringContaining('TypeError') },
    },
    { attempt: 3, outcome: 'succeeded', error: null },
  ]);
});

test('a task whose attempts are used up has failed, and a retry gives it one more', async () => {
  const task = await run(
    't.exhaust',
    (_payload, { attempt }) => {
      if (attempt < 3) throw new Error(`failed ${attempt}`);
      return attempt;
    },
    { maxAttempts: 2 },
  );
  expect(task).toMatchObject({ state: 'failed', attempt: 2, error: { message: 'failed 2' } });
  await retryTask(pool, task.id, crypto.randomUUID());
  expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', attempt: 3, max_attempts: 3 });
  expect(await outcomes(pool, task.id)).toEqual([
    [1, 'failed'],
    [2, 'failed'],
    [3, 'succeeded'],
  ]);
});

test('a PermanentError is not tried again', async () => {
  const task = await run('t.permanent', () => {
    throw new PermanentError('no use', { code: 'NO_USE' });
  });
  expect(task).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { error_type: 'PermanentError', error_code: 'NO_USE', retryable: false },
  });
});

test('a payload that does not parse any more fails for good, with the details that HTTP gives', async () => {
  const task = await run('t.unfit', () => 'never', { payload: { value: 5, other: 1 } });
  expect(task).toMatchObject({
    state: 'failed',
    attempt: 1,
    error: { error_code: 'VALIDATION_FAILED', retryable: false },
  });
  expect(task.error?.metadata?.details).toContainEqual({
    path: '/payload/value',
    message: expect.stringContaining('string'),
  });
});

test('a result that does not fit its schema, or that Postgres can not hold, fails for good', async () => {
  const unfit = await run('t.bad_result', () => ({ n: 'one' }), { result: z.strictObject({ n: z.int() }) });
  expect(unfit).toMatchObject({ state: 'failed', error: { error_code: 'INVALID_RESULT' } });
  const nul = await run('t.nul_result', () => ({ text: 'a\u0000b' }));
  expect(nul.error).toMatchObject({
    error_code: 'INVALID_RESULT',
    metadata: { details: [{ path: '/result/text' }] },
  });
  const circular: Record<string, unknown> = {};
  circular.self = circular;
  expect(await run('t.circular', () => circular)).toMatchObject({ error: { error_code: 'INVALID_RESULT' } });
});

test('an error text that Postgres can not hold is recorded all the same', async () => {
  const task = await run(
    't.bad_text',
    () => {
      throw Object.assign(new Error('nul \u0000 and half \ud800'), {
        name: 'B\u0000d',
        code: '\u0000',
        metadata: { '\u0000': 1 },
      });
    },
    { maxAttempts: 1 },
  );
  expect(task).toMatchObject({
    state: 'failed',
    error: { message: 'nul \ufffd and half \ufffd', error_type: 'B\ufffdd' },
  });
});

test('what is thrown need not be an Error', async () => {
  const task = await run(
    't.non_error',
    () => {
      throw { reason: 'odd' };
    },
    { maxAttempts: 1 },
  );
  expect(task.error).toMatchObject({ error_type: 'NonError', message: '{"reason":"odd"}' });
});

test('an error can ask for a longer delay than the backoff', async () => {
  const definition = define('t.retry_after');
  await startTestRunner(pool, {
    executables: new Map([
      executable(definition, () => {
        throw Object.assign(new Error('busy'), { retryAfterMs: 3_600_000 });
      }),
    ]),
  });
  const { id } = await submitOne(pool, { name: 't.retry_after', payload: {} });
  const task = await inState(pool, id, 'retrying');
  expect(Date.parse(task.run_at) - Date.parse(task.created_at)).toBeGreaterThan(3_500_000);
});

test('a runner fetches only the tasks that it has: the others wait for one that has them', async () => {
  const [mine, other] = [define('t.mine'), define('t.other')];
  await startTestRunner(pool, { executables: new Map([executable(mine, () => 'mine')]) });
  const [mineTask, otherTask] = await submit(
    pool,
    { name: 't.mine', payload: {} },
    { name: 't.other', payload: {} },
  );
  await finished(pool, String(mineTask?.id));
  expect(await getTask(pool, String(otherTask?.id))).toMatchObject({ state: 'queued', started_at: null });
  await startTestRunner(pool, { executables: new Map([executable(other, () => 'other')]) });
  expect(await finished(pool, String(otherTask?.id))).toMatchObject({
    state: 'succeeded',
    result: 'other',
    attempt: 1,
  });
});

test('many tasks on two runners: each is executed once, and no ring is left', async () => {
  const executions = new Map<string, number>();
  const definition = define('t.many');
  const executables = new Map([
    executable(definition, (_payload, { id }) => {
      executions.set(id, (executions.get(id) ?? 0) + 1);
    }),
  ]);
  await startTestRunner(pool, { executables });
  await startTestRunner(pool, { executables });
  const tasks = await submit(pool, ...Array.from({ length: 1_000 }, () => ({ name: 't.many', payload: {} })));
  await until('all have succeeded', async () => {
    const { rows } = await pool.query(
      `select 1 from errand.tasks where name = 't.many' and state <> 'succeeded' limit 1`,
    );
    return rows.length === 0;
  });
  expect(executions.size).toBe(tasks.length);
  expect([...new Set(executions.values())]).toEqual([1]);
  await until('the rings are gone', async () => {
    const { rows } = await pool.query(
      `select 1 from graphile_worker.jobs where task_identifier = 't.many' limit 1`,
    );
    return rows.length === 0;
  });
});

test('a job that is no ring is dropped, and the runner goes on', async () => {
  await pool.query(`select graphile_worker.add_job('t.after_junk', '{"not": "a ring"}')`);
  const task = await run('t.after_junk', () => 'fine');
  expect(task.state).toBe('succeeded');
  await until('the junk is gone', async () => {
    const { rows } = await pool.query(
      `select 1 from graphile_worker.jobs where task_identifier = 't.after_junk'`,
    );
    return rows.length === 0;
  });
});

test('a slow ring gives its unstarted attempts to an idle runner', async () => {
  const definition = define('t.slow');
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const started: string[] = [];
  const on = (runner: string): Map<string, ReturnType<typeof executable>[1]> =>
    new Map([
      executable(definition, async () => {
        started.push(runner);
        await gate;
      }),
    ]);
  await startTestRunner(pool, { concurrency: 2, executables: on('first') });
  const tasks = await submit(pool, ...Array.from({ length: 4 }, () => ({ name: 't.slow', payload: {} })));
  await until('the first runner is full', () => started.length === 2);
  await startTestRunner(pool, { concurrency: 2, executables: on('second') });
  await until('the second has the rest', () => started.length === 4);
  expect(started.sort()).toEqual(['first', 'first', 'second', 'second']);
  open();
  for (const { id } of tasks)
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('nothing of graphile-worker is left behind when all is done', async () => {
  await pool.query(`delete from graphile_worker._private_jobs where run_at > now() + interval '1 minute'`);
  expect(await countRings(pool)).toBe(0);
});
