import type { Pool } from 'pg';
import { beforeEach, expect, test } from 'vitest';
import { stepRows } from '../../../../core/workflows/graph.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { loadRegistry } from '../../../../tasks/index.ts';
import { createDatabase } from '../../../support/database.ts';
import { seriesValue } from '../../../support/prometheus.ts';
import { submit } from '../../../support/tasks.ts';
import { addSchedules } from '../../store/schedules/schedule_rows.ts';
import { startOwnApi, watched } from '../app.ts';
import { reaches, scrape } from './scrape.ts';

const { pool } = await createDatabase();
const FROM_POSTGRES = [
  'errand_queue_depth',
  'errand_queue_oldest_wait_seconds',
  'errand_queue_oldest_ready_seconds',
  'errand_queue_pauses',
  'errand_queue_unattended',
  'errand_live_runners',
  'errand_schedules',
  'errand_schedules_overdue',
  'errand_schedule_oldest_overdue_seconds',
];

beforeEach(async () => {
  await pool.query('truncate errand.tasks, errand.attempts, errand.logs, errand.runners, errand.pauses');
});

async function addRunner(names: string[], heartbeat: string, ended = false): Promise<void> {
  await pool.query(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, heartbeat_at, ended_at, end_reason)
     values ('elsewhere', 1, 'test', $1, 1, 15, now() - $2::interval, $3, $4)`,
    [names, heartbeat, ended ? new Date() : null, ended ? 'stopped' : null],
  );
}

/** Ten minutes overdue. */
const overdue = { runAt: new Date(Date.now() - 600_000).toISOString() };

async function fill(): Promise<void> {
  await submit(
    pool,
    { name: 'example.echo', payload: { message: 'a' }, ...overdue },
    { name: 'example.sleep', payload: { ms: 1 } },
    { name: 'http.request', payload: { url: 'http://localhost' }, delayMs: 3_600_000 },
  );
  await addRunner(['example.sleep', 'text.count_words'], '1 second');
  await addRunner(['example.sleep', 'gone.by'], '2 seconds');
  await addRunner(['example.echo', 'example.sleep'], '1 minute');
  await addRunner(['example.echo'], '1 second', true);
  await pool.query(
    `insert into errand.pauses (target, actor) values ('text', 'test'), ('text.count_words', 'test')`,
  );
}

test('what waits, since when, what is paused, and who is there to execute it', async () => {
  const api = await startOwnApi(pool);
  await fill();
  const families = await scrape(api);
  const of = (name: string, labels: Record<string, string>) => seriesValue(families, name, labels);
  expect(of('errand_metrics_database_up', {})).toBe(1);
  expect(of('errand_queue_depth', { namespace: 'example' })).toBe(2);
  expect(of('errand_queue_oldest_wait_seconds', { namespace: 'example' })).toBeGreaterThan(600);
  // It is for later.
  expect(of('errand_queue_depth', { namespace: 'http' })).toBe(0);
  expect(of('errand_queue_oldest_wait_seconds', { namespace: 'http' })).toBe(0);
  expect(of('errand_queue_pauses', { namespace: 'text' })).toBe(2);
  expect(of('errand_queue_pauses', { namespace: 'example' })).toBe(0);
  // One is overdue and one has ended.
  expect(of('errand_live_runners', { name: 'example.sleep' })).toBe(2);
  expect(of('errand_live_runners', { name: 'example.echo' })).toBe(0);
  expect(of('errand_live_runners', { name: 'gone.by' })).toBeUndefined();
  expect(of('errand_queue_unattended', { name: 'example.echo' })).toBe(1);
  expect(of('errand_queue_unattended', { name: 'example.sleep' })).toBe(0);
  expect(of('errand_queue_unattended', { name: 'http.request' })).toBe(0);
});

/** Lets a task wait for a limit, as errand.take_slots does. */
async function waitFor(limit: string, key: string, id: string): Promise<void> {
  await pool.query(
    `insert into errand.limit_waits (task_id, limit_name, key, name, version, priority, run_at, rank, place_at, dispatch_id)
     select id, $1, $2, name, version, priority, run_at, priority, run_at, dispatch_id from errand.tasks where id = $3`,
    [limit, key, id],
  );
}

test('what a pause or a limit holds waits, and misses no runner (issue 19)', async () => {
  const [held, , free] = await submit(
    pool,
    { name: 'example.echo', payload: { message: 'held' }, ...overdue },
    { name: 'text.count_words', payload: { text: 'paused' }, ...overdue },
    { name: 'http.request', payload: { url: 'http://localhost' }, ...overdue },
  );
  await pool.query(
    `insert into errand.pauses (target, actor) values ('text', 'test');
     insert into errand.limits (name, declared_slots) values ('example.echo', 2)`,
  );
  await waitFor('example.echo', '', held?.id ?? '');
  const families = await scrape(await startOwnApi(pool));
  const of = (name: string, labels: Record<string, string>) => seriesValue(families, name, labels);
  for (const [namespace, name] of [
    ['example', 'example.echo'],
    ['text', 'text.count_words'],
  ] as const) {
    expect(of('errand_queue_depth', { namespace })).toBe(1);
    expect(of('errand_queue_oldest_wait_seconds', { namespace })).toBeGreaterThan(600);
    expect(of('errand_queue_oldest_ready_seconds', { namespace })).toBe(0);
    expect(of('errand_queue_unattended', { name })).toBe(0);
  }
  expect(of('errand_queue_oldest_ready_seconds', { namespace: 'http' })).toBeGreaterThan(600);
  expect(of('errand_queue_unattended', { name: 'http.request' })).toBe(1);
  // Once it was called, only a runner is missing.
  await waitFor('example.echo', '', free?.id ?? '');
  await pool.query('update errand.limit_waits set called_at = now() where task_id = $1', [held?.id]);
  const later = await scrape(await startOwnApi(pool));
  expect(seriesValue(later, 'errand_queue_unattended', { name: 'example.echo' })).toBe(1);
  expect(seriesValue(later, 'errand_queue_unattended', { name: 'http.request' })).toBe(0);
  await pool.query('delete from errand.limit_waits; delete from errand.limits');
});

test('the figures of limits, by their names alone: keys may be personal data', async () => {
  const [one, other] = await submit(
    pool,
    { name: 'example.echo', payload: { message: 'a' }, ...overdue },
    { name: 'example.echo', payload: { message: 'b' } },
  );
  await pool.query(
    `insert into errand.limits (name, declared_slots, set_slots, is_paused, is_unlimited, set_at)
     values ('example.echo:key', 2, 7, false, false, now()), ('example.sleep', 3, null, true, false, now()),
            ('example.fail', 4, null, false, true, now());
     insert into errand.limit_slots (limit_name, key, task_id, dispatch_id, runner_id)
     select 'example.echo:key', 'ann@example.com', gen_random_uuid(), gen_random_uuid(), 1 from generate_series(1, 3)`,
  );
  await waitFor('example.echo:key', 'ann@example.com', one?.id ?? '');
  await waitFor('example.echo:key', 'bob@example.com', other?.id ?? '');
  const api = await startOwnApi(pool);
  const families = await scrape(api);
  const of = (name: string, limit: string) => seriesValue(families, `errand_limit_${name}`, { limit });
  expect(of('holders', 'example.echo:key')).toBe(3);
  expect(of('waiters', 'example.echo:key')).toBe(2);
  expect(of('oldest_waiter_seconds', 'example.echo:key')).toBeGreaterThan(600);
  expect(of('slots', 'example.echo:key')).toBe(7);
  expect([of('slots', 'example.sleep'), of('paused', 'example.sleep')]).toEqual([0, 1]);
  expect([of('slots', 'example.fail'), of('paused', 'example.fail')]).toEqual([undefined, 0]);
  expect((await api.call('GET', '/metrics')).text).not.toContain('@example.com');
  await pool.query(
    'delete from errand.limit_waits; delete from errand.limit_slots; delete from errand.limits',
  );
});

test('of a workflow its due steps wait: neither itself, nor what waits for them', async () => {
  const diamond = loadRegistry({ NODE_ENV: 'test' }).get('example.diamond');
  const steps = diamond?.graph === undefined ? [] : stepRows(diamond.graph);
  const [first, second] = steps.map(({ name }) => name);
  await submit(pool, { name: 'example.diamond', payload: { number: 1 }, steps });
  const families = await scrape(await startOwnApi(pool));
  const of = (name: string, labels: Record<string, string>) => seriesValue(families, name, labels);
  expect(of('errand_queue_depth', { namespace: 'example' })).toBe(1);
  expect(of('errand_queue_unattended', { name: String(first) })).toBe(1);
  expect(of('errand_queue_unattended', { name: String(second) })).toBe(0);
  expect(of('errand_queue_unattended', { name: 'example.diamond' })).toBe(0);
});

test('the states of schedules, and how long one has been due that nobody fires', async () => {
  const ids = ['example.late', 'example.soon', 'example.paused'];
  await addSchedules(pool, [
    { id: 'example.late', due: '-10 minutes' },
    { id: 'example.soon', due: '1 hour' },
    { id: 'example.paused', pausedFor: '1 hour' },
  ]);
  const families = await scrape(await startOwnApi(pool));
  await pool.query('delete from errand.schedules where id = any ($1)', [ids]);
  const inState = (state: string) => seriesValue(families, 'errand_schedules', { state });
  expect(['active', 'paused', 'broken', 'ended'].map(inState)).toEqual([2, 1, 0, 0]);
  expect(seriesValue(families, 'errand_schedules_overdue')).toBe(1);
  expect(seriesValue(families, 'errand_schedule_oldest_overdue_seconds')).toBeGreaterThanOrEqual(600);
});

test('/health/detailed says the same in JSON, with what the process holds', async () => {
  const api = await startOwnApi(pool);
  await fill();
  const { status, body } = await api.call('GET', '/health/detailed');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    status: 'ok',
    process: 'api',
    state: 'normal',
    requests_in_flight: 0,
    streams: 0,
    websockets: 0,
    breakers: { writes: 'closed', reads: 'closed' },
    queues: {
      example: { depth: 2, is_capped: false, oldest_wait_seconds: expect.any(Number), pauses: 0 },
      text: { depth: 0, pauses: 2 },
    },
    live_runners: { 'example.sleep': 2, 'example.echo': 0 },
  });
  for (const use of [body.pools.writes, body.pools.reads])
    expect(Object.keys(use)).toEqual(['busy', 'idle', 'waiting']);
  expect(Object.keys((await api.call('GET', '/health')).body)).not.toContain('queues');
});

test('however many scrape at once, Postgres is read once', async () => {
  let statements = 0;
  const api = await startOwnApi(
    watched(pool, () => {
      statements++;
    }),
  );
  await Promise.all(Array.from({ length: 30 }, () => scrape(api)));
  const first = statements;
  expect(first).toBeGreaterThan(0);
  // One reading has five statements. On a busy machine these scrapes may take longer than it is kept.
  expect(first).toBeLessThan(30);
  await Promise.all(Array.from({ length: 30 }, () => scrape(api)));
  await api.call('GET', '/health/detailed');
  expect(statements).toBeLessThan(60);
});

/** A pool that nothing comes back from. */
function hanging(): Pool {
  return new Proxy(pool, {
    get: (target, property) =>
      property === 'query' || property === 'connect'
        ? () => new Promise(() => {})
        : Reflect.get(target, property),
  });
}

test.each(['gone', 'silent'])(
  'with Postgres %s it answers in time, without what it can not know',
  async (how) => {
    const away = openPool({
      connectionString: 'postgres://nobody@127.0.0.1:1/nowhere',
      applicationName: 'test',
      size: 1,
      statementTimeoutMs: 0,
      onError: () => {},
    });
    const api = await startOwnApi(how === 'gone' ? away : hanging());
    const begun = performance.now();
    const families = await scrape(api);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(seriesValue(families, 'errand_metrics_database_up')).toBe(0);
    for (const name of FROM_POSTGRES) expect(families.get(name)?.samples, name).toEqual([]);
    expect(seriesValue(families, 'errand_http_requests_in_flight')).toBe(0);
    expect((await api.call('GET', '/health/detailed')).body).toMatchObject({
      queues: null,
      live_runners: null,
    });
    await away.end();
  },
);

test('what could be read once is gone, not kept, when Postgres goes; the breaker shows', async () => {
  let isAway = false;
  const failing = new Proxy(pool, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property);
      if (typeof value !== 'function') return value;
      if (!isAway || (property !== 'query' && property !== 'connect')) return value.bind(target);
      return () => Promise.reject(new Error('Connection terminated unexpectedly'));
    },
  });
  const api = await startOwnApi(failing);
  const closed = { pool: 'reads', state: 'closed' };
  expect(
    seriesValue(await reaches(api, 1, 'errand_breaker_state', closed), 'errand_metrics_database_up'),
  ).toBe(1);
  isAway = true;
  for (let count = 0; count < 6; count++) await api.call('GET', '/v1/tasks');
  const families = await reaches(api, 0, 'errand_metrics_database_up');
  for (const name of FROM_POSTGRES) expect(families.get(name)?.samples, name).toEqual([]);
  expect(seriesValue(families, 'errand_breaker_state', { pool: 'reads', state: 'open' })).toBe(1);
  expect(seriesValue(families, 'errand_breaker_state', closed)).toBe(0);
  expect(seriesValue(families, 'errand_breaker_state', { pool: 'writes', state: 'closed' })).toBe(1);
  const refused = { code: 'CIRCUIT_OPEN', reason: 'breaker' };
  expect(seriesValue(families, 'errand_http_errors_total', refused)).toBeGreaterThan(0);
});
