import { expect, test } from 'vitest';
import type { Handler, TaskDefinition } from '../../../../core/task.ts';
import { getTask } from '../../../../store/tasks/tasks.ts';
import { createDatabase } from '../../../support/database.ts';
import { recordHistory } from '../../../support/history.ts';
import { cancelTask, retryTask } from '../../../support/operator.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { running, startFixtureRunner, UNDER_WAY_MS } from '../../../support/runners.ts';
import { finished, inState, outcomes, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { block, fixtures } from '../../crash/fixtures/tasks.ts';

const { url, pool } = await createDatabase();
const history = recordHistory();
const LONG = 60_000;
const task = (name: string, ms: number) => ({ name: `fixture.${name}`, payload: { ms } });

async function one(name: string, ms: number, more: { delayMs?: number } = {}): Promise<string> {
  const { id } = await submitOne(pool, { ...task(name, ms), ...more });
  history.ok(id);
  return id;
}

/** A runner in this process that counts what it executes. */
async function startCounting(options: { leaseSecs?: number; concurrency?: number } = {}) {
  const executions: string[] = [];
  await startTestRunner(pool, {
    abortGraceSecs: 0.3,
    ...options,
    registeredHandlers: fixtures(({ id }) => executions.push(id)),
  });
  return executions;
}

/** Cancels a running task and gives how long it took to end, in ms, by Postgres's clock. */
async function cancelRunning(id: string): Promise<number> {
  const { rows } = await pool.query<{ now: string }>('select now()');
  expect(await cancelTask(pool, id)).toMatchObject({ state: 'running' });
  const { finished_at } = await finished(pool, id);
  return Date.parse(String(finished_at)) - Date.parse(String(rows[0]?.now));
}

test('what is queued, scheduled or in its backoff is cancelled at once, and never runs', async () => {
  const [queued, scheduled, retrying] = [
    await one('work', 1),
    await one('work', 1, { delayMs: LONG }),
    await one('fail', 1),
  ];
  await pool.query(
    `update errand.tasks set state = 'retrying', attempt = 2, run_at = now() + interval '1 second' where id = $1`,
    [retrying],
  );
  await pool.query(
    `insert into errand.attempts (task_id, attempt, outcome, finished_at) values ($1, 1, 'failed', now())`,
    [retrying],
  );
  for (const id of [queued, scheduled, retrying]) {
    expect(await cancelTask(pool, id)).toMatchObject({ state: 'cancelled', finished_at: expect.any(String) });
    expect(await cancelTask(pool, id)).toBeNull();
  }
  expect(await cancelTask(pool, crypto.randomUUID())).toBeNull();
  const executions = await startCounting();
  const next = await one('work', 1);
  await finished(pool, next);
  await until('their due dispatches were dropped when seen', async () => {
    const { rows } = await pool.query('select 1 from errand_worker.jobs where run_at <= now()');
    return rows.length === 0;
  });
  expect(executions).toEqual([next]);
  await pool.query('delete from errand.attempts where task_id = $1', [retrying]);
});

test('of two runners the one that has a task aborts it, and both go on', async () => {
  const executions = [await startCounting({ concurrency: 1 }), await startCounting({ concurrency: 1 })];
  const tasks = [await one('work', LONG), await one('work', LONG)];
  await running(pool, 2);
  expect(executions.map(({ length }) => length)).toEqual([1, 1]);
  for (const id of tasks) {
    expect(await cancelRunning(id)).toBeLessThan(1_000);
    expect(await getTask(pool, id)).toMatchObject({
      state: 'cancelled',
      error: { error_type: 'Cancelled', error_code: 'CANCELLED', retryable: false },
    });
    expect(await outcomes(pool, id)).toEqual([[1, 'cancelled']]);
  }
  for (const id of [await one('work', 1), await one('work', 1)]) {
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded' });
  }
});

test('when the notification is lost and the attempt has only just begun, its first report finds it', async () => {
  const executions = await startCounting({ concurrency: 1 });
  const id = await one('work', LONG);
  await until('it has begun', () => executions.length === 1);
  const { rowCount } = await pool.query(
    `update errand.tasks set state = 'cancelled', dispatch_id = null, finished_at = now() where id = $1 and state = 'queued'`,
    [id],
  );
  expect(rowCount).toBe(1);
  // The only slot is free again.
  const next = await one('work', 1);
  expect(await finished(pool, next)).toMatchObject({ state: 'succeeded' });
  expect(await getTask(pool, id)).toMatchObject({ state: 'cancelled' });
});

test('the outcome of a cancelled attempt does not count for the task that was queued again meanwhile', async () => {
  const executions = await startCounting();
  const id = await one('stubborn', 400);
  await until('it has begun', () => executions.length === 1);
  expect(await cancelTask(pool, id)).toMatchObject({ state: 'cancelled' });
  await pool.query(`update errand.tasks set payload = '{"ms": 1000}' where id = $1`, [id]);
  expect(await retryTask(pool, id)).toMatchObject({ state: 'queued', attempt: 1 });
  await until('it has begun again', () => executions.length === 2);
  const task = await finished(pool, id);
  expect(task).toMatchObject({ state: 'succeeded', attempt: 1 });
  const lasted = Date.parse(String(task.finished_at)) - Date.parse(String(task.started_at));
  expect(lasted).toBeGreaterThan(900);
});

test('a task that was cancelled while it ran is not cancelled again when it is retried', async () => {
  await startCounting({ leaseSecs: 2 });
  const id = await one('work', LONG);
  await inState(pool, id, 'running');
  await cancelRunning(id);
  await pool.query(`update errand.tasks set payload = '{"ms": 1500}' where id = $1`, [id]);
  await retryTask(pool, id);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
});

test('cancelled while its runner is dead: whoever takes over records it as cancelled', async () => {
  const victim = await startFixtureRunner(url, { LOG_LEVEL: 'warn' });
  const tasks = await submit(pool, task('work', LONG), task('work', UNDER_WAY_MS));
  for (const { id } of tasks) history.ok(id);
  const [cancelled, other] = tasks.map(({ id }) => id);
  await running(pool, 2);
  victim.child.kill('SIGKILL');
  await victim.exited;
  expect(await cancelTask(pool, String(cancelled))).toMatchObject({ state: 'running' });
  const executions = await startCounting({ leaseSecs: 2 });
  expect(await finished(pool, String(cancelled))).toMatchObject({ state: 'cancelled', attempt: 1 });
  expect(await outcomes(pool, String(cancelled))).toEqual([[1, 'crashed']]);
  expect(await finished(pool, String(other))).toMatchObject({ state: 'succeeded', attempt: 2 });
  expect(executions).toEqual([other]);
  // Its lines are numbered on over the crash, and those of `info` are stored whatever LOG_LEVEL is.
  const { rows } = await pool.query(
    'select seq, attempt, message from errand.logs where task_id = $1 order by seq',
    [other],
  );
  expect(rows).toEqual([
    { seq: 1, attempt: 1, message: 'begun' },
    { seq: 2, attempt: 2, message: 'begun' },
  ]);
  expect(victim.output()).not.toContain('begun');
  await history.check(pool);
});

test('what a handler logs after it was left behind is not stored with the next attempt, and odd fields do no harm', async () => {
  const { promise: late, resolve: goOn } = Promise.withResolvers<void>();
  const handler: Handler = async (_payload, { attempt, log }) => {
    log.info({ attempt: 'three', time: 'noon', level: 'high', task_id: 5 }, `attempt ${attempt}`);
    if (attempt > 1) return goOn();
    await late;
    log.info('too late');
  };
  const definition = { ...block, policy: { ...block.policy, timeoutMs: 300 } } as unknown as TaskDefinition;
  const runner = {
    abortGraceSecs: 0.2,
    registeredHandlers: new Map([registeredHandler(definition, handler)]),
  };
  await startTestRunner(pool, runner);
  const id = await one('block', 1);
  expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 2 });
  const { rows } = await pool.query('select seq, attempt, message from errand.logs where task_id = $1', [id]);
  expect(rows).toEqual([
    { seq: 1, attempt: 1, message: 'attempt 1' },
    { seq: 2, attempt: 2, message: 'attempt 2' },
  ]);
  await history.check(pool);
});
