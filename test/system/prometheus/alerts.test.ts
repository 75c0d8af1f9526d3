import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { addSchedules } from '../../fast/store/schedules/schedule_rows.ts';
import { call } from '../../support/api.ts';
import { createDatabase } from '../../support/database.ts';
import { startProxy } from '../../support/network/proxy.ts';
import { startProcess, type TestProcess } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { startPrometheus } from './prometheus.ts';

// The alerts of deploy/ in a real Prometheus, which `.ci/run` installs. `npm test` leaves this out.

const run = promisify(execFile);
const RULES = join(import.meta.dirname, '..', '..', '..', 'deploy', 'prometheus', 'alerts.yaml');
const database = await createDatabase();

function submit(api: TestProcess, wait = ''): ReturnType<typeof call> {
  return call(api.url, 'POST', `/v1/tasks/example.now${wait}`, { payload: {} });
}

test('the rules are rules, and what a process exposes is as promtool wants it', async () => {
  const { stdout } = await run('promtool', ['check', 'rules', RULES]);
  expect(stdout).toContain('SUCCESS');
  const [api, runner] = await Promise.all(
    ['api/main.ts', 'runner/main.ts'].map((script) => startProcess(script, database.url)),
  );
  expect((await submit(api as TestProcess, '?wait=30')).status).toBe(201);
  for (const { url } of [api, runner] as TestProcess[]) {
    const { text } = await call(url, 'GET', '/metrics');
    const checking = run('promtool', ['check', 'metrics']);
    // What Node's own figures are called is prom-client's matter: three gauges of it end in _total.
    const ours = text.split('\n').filter((line) => /^(# (HELP|TYPE) )?errand_/.test(line));
    checking.child.stdin?.end(`${ours.join('\n')}\n`);
    // Of a fault it says where it is, and ends with another code.
    await expect(checking).resolves.toMatchObject({ stderr: '' });
  }
});

test('ErrandNoRunner fires for a task that no live runner can execute, and ends when one comes', async () => {
  const own = await createDatabase();
  const api = await startProcess('api/main.ts', own.url);
  const prometheus = await startPrometheus([api.url]);
  expect((await submit(api)).status).toBe(201);
  const labels = await until('it fires', () => prometheus.firing('ErrandNoRunner'));
  expect(labels).toEqual({ name: 'example.now' });
  await startProcess('runner/main.ts', own.url);
  await until('it has ended', async () => (await prometheus.firing('ErrandNoRunner')) === null);
});

test('ErrandSchedulesOverdue fires while nobody handles due times, and ErrandSchedulesBroken for one that is broken', async () => {
  const own = await createDatabase();
  await addSchedules(own.pool, [
    { id: 'example.late', due: '-10 minutes' },
    { id: 'example.broken', broken: 'the payload does not fit' },
  ]);
  const api = await startProcess('api/main.ts', own.url);
  const prometheus = await startPrometheus([api.url]);
  expect(await until('it fires', () => prometheus.firing('ErrandSchedulesOverdue'))).toEqual({});
  expect(await until('it fires', () => prometheus.firing('ErrandSchedulesBroken'))).toEqual({});
  await own.pool.query('truncate errand.schedules');
  for (const alert of ['ErrandSchedulesOverdue', 'ErrandSchedulesBroken'])
    await until('it has ended', async () => (await prometheus.firing(alert)) === null);
});

test('what schedules leave out and what fails of them alerts by namespace, as promtool computes it from series', async () => {
  const { stdout } = await run('promtool', [
    'test',
    'rules',
    join(import.meta.dirname, 'fixtures', 'schedules.yaml'),
  ]);
  expect(stdout).toContain('SUCCESS');
});

test('limits alert by their name, and what they hold misses no runner, as promtool computes it from series', async () => {
  const { stdout } = await run('promtool', [
    'test',
    'rules',
    join(import.meta.dirname, 'fixtures', 'limits.yaml'),
  ]);
  expect(stdout).toContain('SUCCESS');
});

test('ErrandNoRunner fires neither for what a paused limit holds, nor for what is paused', async () => {
  const own = await createDatabase();
  const api = await startProcess('api/main.ts', own.url);
  expect((await submit(api)).status).toBe(201);
  await own.pool.query(
    `insert into errand.limits (name, declared_slots, is_paused, set_at) values ('example.now', 1, true, now());
     insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     select id, 'example.now', '', name, version, priority, run_at, priority, run_at, dispatch_id from errand.tasks`,
  );
  const prometheus = await startPrometheus([api.url]);
  expect((await submit(api)).status).toBe(201);
  // The second one misses a runner. When it is held by a pause too, nothing does.
  await until('it fires', () => prometheus.firing('ErrandNoRunner'));
  await own.pool.query(`insert into errand.pauses (target, actor) values ('example.now', 'test')`);
  await until('it has ended', async () => (await prometheus.firing('ErrandNoRunner')) === null);
  await own.pool.query(`delete from errand.pauses; update errand.tasks set state = 'cancelled', finished_at = now()
    where not exists (select from errand.limit_waits w where w.task_id = tasks.id)`);
  await until('the limit is read', async () => {
    const { text } = await call(api.url, 'GET', '/metrics');
    return (
      /^errand_limit_waiters\{limit="example.now"\} 1$/m.test(text) &&
      /^errand_queue_unattended\{name="example.now"\} 0$/m.test(text)
    );
  });
  expect(await prometheus.firing('ErrandNoRunner')).toBeNull();
});

test('ErrandBreakerOpen fires while Postgres is away, and ends when it is back', async () => {
  const proxy = await startProxy(database.url);
  const api = await startProcess('api/main.ts', proxy.url, { BREAKER_OPEN_SECS: '2' });
  const prometheus = await startPrometheus([api.url]);
  expect((await submit(api)).status).toBe(201);
  await proxy.down();
  const labels = await until('it fires', async () => {
    await submit(api);
    return prometheus.firing('ErrandBreakerOpen');
  });
  expect(labels).toEqual({ instance: new URL(api.url).host, pool: 'writes' });
  await proxy.up();
  await until('it has ended', async () => {
    await submit(api);
    return (await prometheus.firing('ErrandBreakerOpen')) === null;
  });
});
