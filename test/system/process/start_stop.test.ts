import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { freePort } from '../../../embedded/ports.ts';
import { getTask } from '../../../store/tasks/tasks.ts';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { launch, startProcess } from '../../support/processes.ts';
import { startTestRunner } from '../../support/runner.ts';
import { running, UNDER_WAY_MS } from '../../support/runners.ts';
import { finished, inState, submit, submitOne } from '../../support/tasks.ts';
import { until } from '../../support/until.ts';

const { url, pool } = await createDatabase();
/** Of each process what it does at its start, in this order (specification X11). */
const STEPS: Record<string, string[]> = {
  'api/main.ts': [
    'config',
    'logger',
    'definitions',
    'authentication',
    'http',
    'database',
    'migrations',
    'registration',
    'validators',
  ],
  'runner/main.ts': ['config', 'logger', 'probes', 'database', 'migrations', 'definitions', 'runner', 'http'],
};
const PROCESSES = Object.keys(STEPS);

test.each(PROCESSES)(
  '%s starts in the documented order, answers its probes and ends cleanly',
  async (script) => {
    const started = await startProcess(script, url);
    const order = STEPS[script] ?? [];
    await until('the last step is in the log', () => started.output().includes(`start: ${order.at(-1)}`));
    const steps = started
      .output()
      .split('\n')
      .flatMap((line) => {
        const step = line.startsWith('{') ? (JSON.parse(line) as { step?: string }).step : undefined;
        return step === undefined ? [] : [step];
      });
    expect(steps).toEqual(order);
    for (const path of ['/live', '/health/live', '/ready', '/health/ready', '/health']) {
      expect((await call(started.url, 'GET', path)).status).toBe(200);
    }
    expect((await call(started.url, 'GET', '/ready')).body).toMatchObject({
      status: 'ready',
      checks: expect.arrayContaining([{ name: 'database', status: 'ok' }]),
    });
    started.child.kill('SIGTERM');
    expect(await started.exited).toBe(0);
  },
);

test.each(PROCESSES)(
  '%s says what failed and exits with 1 when Postgres can not be reached',
  async (script) => {
    const failing = launch(script, {
      DATABASE_URL: 'postgres://user:very-secret@127.0.0.1:1/none',
      START_TIMEOUT_SECS: '0.5',
    });
    expect(await failing.exited).toBe(1);
    expect(failing.output()).toContain('The start failed at the step database');
    expect(failing.output()).toContain('postgres://user:***@127.0.0.1:1/none');
    expect(failing.output()).not.toContain('very-secret');
  },
);

test.each([
  ['api/main.ts', 0],
  ['runner/main.ts', 0],
  // Who waits for the migration must not go on.
  ['process/migrate.ts', 1],
])('%s ends at once, with %i, when it is told to while it waits for Postgres', async (script, code) => {
  const nobody = await freePort('127.0.0.1');
  const waiting = launch(script, {
    DATABASE_URL: `postgres://127.0.0.1:${nobody}/none`,
    START_TIMEOUT_SECS: '60',
  });
  await until('it can hear', () => waiting.output().includes('start: logger'));
  waiting.child.kill('SIGTERM');
  expect(await waiting.exited).toBe(code);
  expect(waiting.output()).toContain('stopped while starting');
});

test('a busy port is explained by the API; a runner takes the next one unless it was told which', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const port = String((squatter.address() as AddressInfo).port);
  const api = launch('api/main.ts', { DATABASE_URL: url, SERVER_PORT: port });
  const runner = launch('runner/main.ts', { DATABASE_URL: url, RUNNER_PORT: port });
  expect(await Promise.all([api.exited, runner.exited])).toEqual([1, 1]);
  expect(api.output()).toContain(`port ${port} is in use by another program: stop it, or set SERVER_PORT`);
  expect(runner.output()).toContain('set RUNNER_PORT');
  squatter.close();
  const side = await startProcess('runner/main.ts', url, { RUNNER_PORT: '' });
  const bySide = await startProcess('runner/main.ts', url, { RUNNER_PORT: '' });
  expect(bySide.url).not.toBe(side.url);
});

test('SIGTERM under load: what runs finishes, what has not started is handed over unburned', async () => {
  const first = await startProcess('runner/main.ts', url, { RUNNER_CONCURRENCY: '2' });
  const tasks = await submit(
    pool,
    ...Array.from({ length: 6 }, () => ({ name: 'example.sleep', payload: { ms: UNDER_WAY_MS } })),
  );
  await running(pool, 2);
  first.child.kill('SIGTERM');
  expect(await first.exited).toBe(0);
  const states = await Promise.all(tasks.map(({ id }) => getTask(pool, id)));
  expect(states.map((task) => [task?.state, task?.attempt]).sort()).toEqual([
    ...Array.from({ length: 4 }, () => ['queued', 1]),
    ...Array.from({ length: 2 }, () => ['succeeded', 1]),
  ]);
  await startTestRunner(pool);
  for (const { id } of tasks)
    expect(await finished(pool, id)).toMatchObject({ state: 'succeeded', attempt: 1 });
});

test('a second signal ends a runner at once', async () => {
  const runner = await startProcess('runner/main.ts', url);
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: { ms: 60_000 } });
  await inState(pool, id, 'running');
  runner.child.kill('SIGTERM');
  await until('it is draining', async () => (await call(runner.url, 'GET', '/ready')).status === 503);
  expect((await call(runner.url, 'GET', '/live')).status).toBe(200);
  // Repeated within a moment it is the same press; after that, a second one.
  await until('the second signal counts', () => {
    runner.child.kill('SIGINT');
    return runner.child.exitCode !== null;
  });
  expect(await runner.exited).toBe(1);
});

test('the API finishes the requests under way before it ends', async () => {
  const api = await startProcess('api/main.ts', url);
  const submitted = await call(api.url, 'POST', '/v1/tasks/example.sleep', {
    payload: { ms: 1 },
    delay_seconds: 60,
  });
  const waiting = call(api.url, 'GET', `/v1/tasks/${submitted.body.task.id}?wait=30`);
  await until('the request is under way', async () => {
    const { rows } = await pool.query(
      `select 1 from pg_stat_activity
        where datname = current_database() and application_name like 'errand api%' and query like '%from errand.tasks t where t.id%'`,
    );
    return rows.length > 0;
  });
  api.child.kill('SIGTERM');
  expect((await waiting).body).toMatchObject({ state: 'scheduled' });
  expect(await api.exited).toBe(0);
});

/** Holds the table of tasks, so that a submission is under way until it is released. */
async function holdTasks() {
  const client = await pool.connect();
  await client.query('begin; lock table errand.tasks in access exclusive mode');
  return async () => {
    await client.query('rollback');
    client.release();
  };
}

test('while the API drains, probes and metrics answer, new requests get 503, and the last request is answered', async () => {
  const api = await startProcess('api/main.ts', url);
  const release = await holdTasks();
  const submission = call(api.url, 'POST', '/v1/tasks/example.sleep', {
    payload: { ms: 1 },
    delay_seconds: 60,
  });
  await until('the submission waits in Postgres', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'errand api' and wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
  api.child.kill('SIGTERM');
  await until('it drains', async () => (await call(api.url, 'GET', '/ready')).status === 503);
  expect((await call(api.url, 'GET', '/health')).body.status).toBe('draining');
  for (const path of ['/live', '/metrics']) expect((await call(api.url, 'GET', path)).status).toBe(200);
  const refused = await call(api.url, 'GET', '/v1/tasks');
  expect([refused.status, refused.headers.get('connection')]).toEqual([503, 'close']);
  await release();
  expect((await submission).status).toBe(201);
  expect(await api.exited).toBe(0);
});

test('within DRAIN_DELAY_SECS an idle API accepts connections, answers /ready with 503, and a second signal ends it', async () => {
  const api = await startProcess('api/main.ts', url, { DRAIN_DELAY_SECS: '600' });
  api.child.kill('SIGTERM');
  const ready = async () => (await call(api.url, 'GET', '/ready')).status;
  await until('it drains', async () => (await ready()) === 503);
  // Without the delay it would have closed when it saw that no request is under way, which it does every 20 ms.
  for (let asked = 0; asked < 50; asked++) expect(await ready()).toBe(503);
  await until('the second signal counts', () => {
    api.child.kill('SIGINT');
    return api.child.exitCode !== null;
  });
  expect(await api.exited).toBe(1);
});

test('a process whose parent is gone does not stay behind', async () => {
  const runner = await startProcess('runner/main.ts', url);
  runner.child.disconnect();
  expect(await runner.exited).toBe(0);
});
