import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineTask, type Handler, type TaskDefinition } from '../../../../core/task.ts';
import { getTask, listAttempts } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask } from '../../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, inState, outcomes, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();

function define(name: `${string}.${string}`, timeoutMs = 60_000): TaskDefinition {
  return defineTask({
    name,
    version: '1.0.0',
    description: 'For a test',
    payload: z.strictObject({}),
    example: {},
    policy: { timeoutMs, backoff: { initialMs: 1, maxMs: 1 }, dedup: { strategy: 'none' } },
  }) as unknown as TaskDefinition;
}

/** Waits until it is aborted and then throws the reason, as a well-behaved handler does. */
const heeding: Handler = (_payload, { signal }) => pause(60_000, undefined, { signal });
/** Never returns, whatever it is told. */
const deaf: Handler = () => new Promise(() => {});

async function start(name: `${string}.${string}`, handler: Handler, timeoutMs?: number) {
  const runner = await startTestRunner(pool, {
    abortGraceSecs: 0.3,
    shutdownTimeoutSecs: 0.1,
    registeredHandlers: new Map([registeredHandler(define(name, timeoutMs), handler)]),
  });
  return { runner, task: await submitOne(pool, { name, payload: {}, maxAttempts: 2 }) };
}

test('a running task is cancelled in whichever runner has it, within a second', async () => {
  const second = { registeredHandlers: new Map([registeredHandler(define('c.heeding'), heeding)]) };
  const other = await startTestRunner(pool, second);
  const { runner, task } = await start('c.heeding', heeding);
  const running = await inState(pool, task.id, 'running');
  expect([runner.id, other.id]).toContain(running.runner_id);
  const begun = performance.now();
  expect(await cancelTask(pool, task.id)).toMatchObject({ state: 'running' });
  const cancelled = await finished(pool, task.id, 2_000);
  expect(performance.now() - begun).toBeLessThan(1_000);
  expect(cancelled).toMatchObject({
    state: 'cancelled',
    error: { error_type: 'Cancelled', retryable: false },
  });
  expect(await outcomes(pool, task.id)).toEqual([[1, 'cancelled']]);
});

test('an attempt that has just begun, and is not shown as running yet, is aborted too', async () => {
  const { promise: aborted, resolve } = Promise.withResolvers<unknown>();
  const { promise: begun, resolve: reportStarted } = Promise.withResolvers<void>();
  const { task } = await start('c.fresh', (_payload, { signal }) => {
    signal.addEventListener('abort', () => resolve(signal.reason));
    reportStarted();
    return pause(60_000, undefined, { signal });
  });
  await begun;
  expect(await cancelTask(pool, task.id)).toMatchObject({ state: 'cancelled' });
  expect(await aborted).toMatchObject({ name: 'Cancelled' });
  expect(await getTask(pool, task.id)).toMatchObject({ state: 'cancelled', attempt: 1 });
});

test('a task in its backoff is cancelled at once, and its dispatch is stale', async () => {
  const { task } = await start('c.backoff', () => {
    throw Object.assign(new Error('later'), { retryAfterMs: 60_000 });
  });
  await inState(pool, task.id, 'retrying');
  expect(await cancelTask(pool, task.id)).toMatchObject({ state: 'cancelled', attempt: 2 });
  expect(await cancelTask(pool, task.id)).toBeNull();
});

test('a handler that ignores its signal is recorded as cancelled after the grace, and heard no more', async () => {
  const { promise: late, resolve: returnLate } = Promise.withResolvers<string>();
  const { task } = await start('c.deaf', () => late);
  await inState(pool, task.id, 'running');
  await cancelTask(pool, task.id);
  const cancelled = await finished(pool, task.id, 5_000);
  expect(cancelled.state).toBe('cancelled');
  returnLate('too late');
  const next = await submitOne(pool, { name: 'c.deaf', payload: {} });
  expect(await finished(pool, next.id)).toMatchObject({ state: 'succeeded', result: 'too late' });
  expect(await getTask(pool, task.id)).toEqual(cancelled);
});

test('a cancelled handler that is done all the same has succeeded', async () => {
  const { task } = await start('c.done', (_payload, { signal }) => {
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve('done')));
  });
  await inState(pool, task.id, 'running');
  await cancelTask(pool, task.id);
  expect(await finished(pool, task.id)).toMatchObject({ state: 'succeeded', result: 'done' });
});

test.each([
  ['heeds it', heeding],
  ['ignores it', deaf],
])(
  'an attempt that takes longer than its timeout and %s is timed out, and tried again',
  async (how, handler) => {
    const { task } = await start(`t.timeout_${how.slice(0, 5)}`, handler, 300);
    expect(await finished(pool, task.id)).toMatchObject({
      state: 'failed',
      attempt: 2,
      error: { error_type: 'TimeoutError', error_code: 'TIMEOUT', retryable: true },
    });
    expect(await outcomes(pool, task.id)).toEqual([
      [1, 'timed_out'],
      [2, 'timed_out'],
    ]);
  },
);

test('a lost notification is made up for by the heartbeat', async () => {
  const { task } = await start('c.unheard', heeding);
  await inState(pool, task.id, 'running');
  await pool.query('update errand.tasks set cancel_requested_at = now() where id = $1', [task.id]);
  expect(await finished(pool, task.id, 10_000)).toMatchObject({ state: 'cancelled' });
});

test('a task that is to be cancelled is not tried again when its attempt fails', async () => {
  const { promise: fail, reject } = Promise.withResolvers<never>();
  const { task } = await start('c.fails', () => fail);
  await inState(pool, task.id, 'running');
  await pool.query('update errand.tasks set cancel_requested_at = now() where id = $1', [task.id]);
  reject(new Error('by itself'));
  expect(await finished(pool, task.id)).toMatchObject({ state: 'cancelled' });
  expect((await listAttempts(pool, task.id)).map(({ outcome }) => outcome)).toHaveLength(1);
});

test('slots of attempts that were left behind are free again', async () => {
  const { task } = await start('c.slots', deaf, 300);
  await until('it has ended', async () => (await getTask(pool, task.id))?.state === 'failed');
  const next = await submitOne(pool, { name: 'c.slots', payload: {} });
  expect(await inState(pool, next.id, 'running')).toMatchObject({ attempt: 1 });
});
