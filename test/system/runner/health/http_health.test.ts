import { describe, expect, test } from 'vitest';
import { definitions, ownDefinitions } from '../../../../tasks/index.ts';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask } from '../../../support/operator.ts';
import { pause } from '../../../support/pauses.ts';
import { startProcess, type TestProcess } from '../../../support/processes.ts';
import { inState, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { byNamespace } from './by_namespace.ts';

const sleeper = { name: 'example.sleep', payload: { ms: 60_000 } };
const REGISTERED = [...definitions, ...ownDefinitions];
const NAMESPACES = [...new Set(REGISTERED.map(({ namespace }) => namespace))].sort();

/** Waits until the answer at a path of a runner is like this, and gives it. */
async function answering(runner: TestProcess, path: string, like: object, timeoutMs?: number) {
  let last: unknown;
  return until(
    `${path} is like ${JSON.stringify(like)}`,
    async () => {
      const body = byNamespace((await call(runner.url, 'GET', path)).body);
      last = body;
      try {
        expect(body).toMatchObject(like);
        return body;
      } catch {
        return false;
      }
    },
    timeoutMs,
  ).catch((error: Error) => Promise.reject(new Error(`${error.message}: it is ${JSON.stringify(last)}`)));
}

test('each figure of a namespace moves with its work, and no other namespace does', async () => {
  const { url, pool } = await createDatabase();
  const begun = new Date().toISOString();
  const runner = await startProcess('runner/main.ts', url, { RUNNER_CONCURRENCY: '2' });
  const idle = {
    queue_depth: 0,
    queue_depth_is_capped: false,
    oldest_wait_seconds: 0,
    processing_rate: 0,
    active_steps: 0,
    health_status: 'idle',
    last_processed: null,
    paused: [],
  };
  const fresh = await answering(runner, '/health', { status: 'ok' });
  const { rows } = await pool.query<{ id: number }>('select id from errand.runners');
  expect(fresh).toMatchObject({ worker_id: String(rows[0]?.id), worker_type: 'errand-runner' });
  expect(Object.keys(fresh.namespaces).sort()).toEqual(NAMESPACES);
  for (const namespace of NAMESPACES) expect(fresh.namespaces[namespace]).toEqual(idle);

  const tasks = await submit(pool, sleeper, sleeper, sleeper);
  const busy = await answering(runner, '/health', {
    namespaces: {
      example: { queue_depth: 1, active_steps: 2, health_status: 'healthy', last_processed: null },
    },
  });
  expect(busy.namespaces.example.oldest_wait_seconds).toBeGreaterThan(0);
  expect(busy.namespaces.text).toEqual(idle);
  expect(busy.system_metrics.dispatches_in_hand).toBeGreaterThan(0);

  for (const { id } of tasks) await cancelTask(pool, id);
  const done = await answering(runner, '/health', {
    status: 'ok',
    namespaces: { example: { ...idle, health_status: 'healthy', ...anyRate() } },
    system_metrics: { dispatches_in_hand: 0 },
  });
  const { processing_rate, last_processed } = done.namespaces.example;
  expect(processing_rate).toBeGreaterThan(0);
  expect(last_processed > begun && last_processed <= new Date().toISOString()).toBe(true);
  expect(done.namespaces.text).toEqual(idle);
});

function anyRate() {
  return { processing_rate: expect.any(Number), last_processed: expect.any(String) };
}

test('a namespace whose due work does not move is degraded, one that is merely busy or paused is not', async () => {
  const { url, pool } = await createDatabase();
  await pause(pool, 'http');
  const runner = await startProcess('runner/main.ts', url, { RUNNER_CONCURRENCY: '1' });
  const blocker = await submitOne(pool, sleeper);
  await inState(pool, blocker.id, 'running');
  const runAt = new Date(Date.now() - 60_000).toISOString();
  await submit(
    pool,
    { name: 'example.echo', payload: { message: 'x' }, runAt },
    { name: 'text.count_words', payload: { text: 'x' }, runAt },
    { name: 'http.request', payload: { url: 'http://localhost' }, runAt },
  );
  const waits = { queue_depth: 1, last_processed: null };
  // Long due, but not before the runner itself has been there for so long.
  const stalled = await answering(runner, '/health', { status: 'degraded' }, 20_000);
  expect(stalled.uptime_seconds).toBeGreaterThanOrEqual(10);
  expect(stalled.namespaces.text.oldest_wait_seconds).toBeGreaterThanOrEqual(60);
  expect(stalled.namespaces).toMatchObject({
    example: { ...waits, active_steps: 1, health_status: 'healthy' },
    text: { ...waits, active_steps: 0, health_status: 'degraded' },
    http: { queue_depth: 1, health_status: 'idle', paused: ['http'] },
  });
  expect((await call(runner.url, 'GET', '/ready')).status).toBe(200);
  await cancelTask(pool, blocker.id);
  await answering(runner, '/health', {
    status: 'ok',
    namespaces: {
      example: { queue_depth: 0, health_status: 'healthy' },
      text: { queue_depth: 0, health_status: 'healthy' },
    },
  });
});

test('a runner tells nothing of namespaces that it can not execute', async () => {
  const { url, pool } = await createDatabase();
  const runAt = new Date(Date.now() - 3_600_000).toISOString();
  await submit(pool, { name: 'example.echo', payload: { message: 'x' }, runAt });
  const runner = await startProcess('runner/main.ts', url, { NODE_ENV: 'production' });
  const status = await answering(runner, '/status', { status: 'ok' });
  const served = NAMESPACES.filter((namespace) => namespace !== 'example');
  expect(Object.keys(status.namespaces).sort()).toEqual(served);
  expect(JSON.stringify(status.tasks)).not.toContain('example.');
  expect((await call(runner.url, 'GET', '/metrics')).text).not.toContain('example.');
});

test('a runner that is draining says so until it is gone, and what it still does', async () => {
  const { url, pool } = await createDatabase();
  const runner = await startProcess('runner/main.ts', url);
  const { id } = await submitOne(pool, sleeper);
  await inState(pool, id, 'running');
  runner.child.kill('SIGTERM');
  await answering(runner, '/health', {
    status: 'draining',
    namespaces: { example: { active_steps: 1, queue_depth: 0, health_status: 'healthy' } },
  });
  expect(await call(runner.url, 'GET', '/status')).toMatchObject({ body: { status: 'draining' } });
  expect((await call(runner.url, 'GET', '/ready')).status).toBe(503);
  expect((await call(runner.url, 'GET', '/live')).status).toBe(200);
  expect((await call(runner.url, 'GET', '/metrics')).text).toContain('errand_attempts_in_flight 1\n');
  await cancelTask(pool, id);
  expect(await runner.exited).toBe(0);
});

describe('a runner with three slots', async () => {
  const { url, pool } = await createDatabase();
  const environment = { RUNNER_CONCURRENCY: '3', RUNNER_LEASE_SECS: '2', RETENTION_HOURS: '5' };
  const runner = await startProcess('runner/main.ts', url, environment);

  test('the figures of the process are there and plausible', async () => {
    const { body } = await call(runner.url, 'GET', '/health');
    const { memory, cpu, event_loop_delay_p99_seconds, database_pool } = body.system_metrics;
    expect(memory.rss_bytes).toBeGreaterThan(memory.heap_used_bytes);
    expect(memory.heap_used_bytes).toBeGreaterThan(1_000_000);
    expect(cpu.user_seconds).toBeGreaterThan(0.05);
    expect(cpu.system_seconds).toBeGreaterThan(0);
    expect(event_loop_delay_p99_seconds).toBeGreaterThanOrEqual(0);
    expect(database_pool.total).toBeGreaterThan(0);
    expect(database_pool.idle).toBeLessThanOrEqual(database_pool.total);
    expect(database_pool.waiting).toBe(0);
    await until('the processor was used', async () => {
      const later = await call(runner.url, 'GET', '/health');
      return later.body.system_metrics.cpu.user_seconds > cpu.user_seconds && later.body.uptime_seconds >= 1;
    });
  });

  test('/status also tells how the runner is set up, what it can execute, and how often it has registered', async () => {
    const first = await answering(runner, '/status', { status: 'ok' });
    expect(first).toMatchObject({
      registrations: 1,
      pid: runner.child.pid,
      configuration: { concurrency: 3, lease_seconds: 2, retention_hours: 5 },
    });
    const steps = definitions.flatMap(({ graph }) => graph?.steps.map(({ definition }) => definition) ?? []);
    const expected = [...REGISTERED, ...steps].map(({ name, version }) => ({ name, version }));
    expect(first.tasks).toHaveLength(expected.length);
    expect(first.tasks).toEqual(expect.arrayContaining(expected));
    expect(first.heartbeat_age_seconds).toBeLessThan(2);
    await pool.query(`update errand.runners set ended_at = now(), end_reason = 'lost'`);
    const second = await answering(runner, '/status', { status: 'ok', registrations: 2 });
    expect(Number(second.worker_id)).toBeGreaterThan(Number(first.worker_id));
    expect(second.live_since > first.live_since).toBe(true);
  });
});
