import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import type { AppOptions } from '../../../../api/app.ts';
import { limitDepth } from '../../../../api/capacity/backpressure.ts';
import { createState } from '../../../../api/capacity/state.ts';
import { testConfig } from '../../../support/api_options.ts';
import { createDatabase } from '../../../support/database.ts';
import { seriesValue } from '../../../support/prometheus.ts';
import { submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { closeGate, startOwnApi } from '../app.ts';
import { reaches, scrape } from './scrape.ts';

const { pool } = await createDatabase();
const COUNT = 'errand_http_request_duration_seconds_count';
const ERRORS = 'errand_http_errors_total';
const ECHO = '/v1/tasks/example.echo';

const SERIES: Record<string, string> = {
  errand_http_request_duration_seconds: 'histogram',
  errand_http_errors_total: 'counter',
  errand_http_requests_in_flight: 'gauge',
  errand_http_streams: 'gauge',
  errand_changes_heard_total: 'counter',
  errand_changes_sent_total: 'counter',
  errand_changes_missed_total: 'counter',
  errand_submissions_total: 'counter',
  errand_operational_state: 'gauge',
  errand_breaker_state: 'gauge',
  errand_pool_connections: 'gauge',
  errand_queue_depth: 'gauge',
  errand_queue_oldest_wait_seconds: 'gauge',
  errand_queue_oldest_ready_seconds: 'gauge',
  errand_queue_pauses: 'gauge',
  errand_limit_slots: 'gauge',
  errand_limit_paused: 'gauge',
  errand_limit_holders: 'gauge',
  errand_limit_waiters: 'gauge',
  errand_limit_oldest_waiter_seconds: 'gauge',
  errand_schedules: 'gauge',
  errand_schedules_overdue: 'gauge',
  errand_schedule_oldest_overdue_seconds: 'gauge',
  errand_queue_unattended: 'gauge',
  errand_live_runners: 'gauge',
  errand_metrics_database_up: 'gauge',
};

function withConfig(environment: Record<string, string>): Partial<AppOptions> {
  return { config: testConfig(environment) };
}

test('every series is there from the start, with the types and names that Prometheus wants', async () => {
  const families = await scrape(await startOwnApi(pool));
  for (const [name, type] of Object.entries(SERIES)) expect(families.get(name)?.type, name).toBe(type);
  for (const [name, { type, help, samples }] of families) {
    expect(help, name).not.toBe('');
    // Without a definition with a limit there is no limit.
    if (!name.startsWith('errand_') || name.startsWith('errand_limit_')) continue;
    if (name !== 'errand_http_request_duration_seconds') expect(samples, name).not.toEqual([]);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
  }
  for (const name of [ERRORS, 'errand_submissions_total']) {
    for (const { value } of families.get(name)?.samples ?? []) expect(value).toBe(0);
  }
  expect(seriesValue(families, ERRORS, { code: 'VALIDATION_FAILED', reason: 'none' })).toBe(0);
  expect(seriesValue(families, 'process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(seriesValue(families, 'nodejs_eventloop_lag_seconds')).toBeGreaterThanOrEqual(0);
});

test('two processes in one do not share their metrics', async () => {
  const [one, other] = await Promise.all([startOwnApi(pool), startOwnApi(pool)]);
  await one.call('GET', '/v1/runners');
  await reaches(one, 1, COUNT, { method: 'GET', route: '/v1/runners', status: '200' });
  expect(
    seriesValue(await scrape(other), COUNT, { method: 'GET', route: '/v1/runners', status: '200' }),
  ).toBeUndefined();
});

test('requests are measured by the template of their path, whatever somebody makes up', async () => {
  const api = await startOwnApi(pool);
  for (let count = 0; count < 3; count++) {
    await api.call('GET', `/v1/tasks/${randomUUID()}`);
    await api.call('GET', `/${randomUUID()}/${'x'.repeat(count)}`);
    await api.call('POST', `/v1/tasks/made.up_${count}`, {});
  }
  await api.call('POST', ECHO, { payload: { message: 'template' } });
  await api.call('POST', `${ECHO}/batch`, { items: [] });
  await api.call('DELETE', '/v1/runners');
  await api.call('HEAD', '/V1/Runners/?ended=true');
  await api.call('GET', '/openapi.yaml');
  await api.call('PROPFIND', '/v1/runners');
  for (const probe of ['/health', '/ready', '/live', '/health/detailed', '/metrics'])
    await api.call('GET', probe);
  const families = await reaches(api, 1, COUNT, { method: 'other', route: '/v1/runners', status: '405' });
  const counted = families
    .get('errand_http_request_duration_seconds')
    ?.samples.filter(({ name }) => name === COUNT)
    .map(({ labels, value }) => `${labels.method} ${labels.route} ${labels.status} ${value}`);
  expect(counted?.sort()).toEqual([
    'DELETE /v1/runners 405 1',
    'GET /openapi.yaml 200 1',
    'GET /v1/tasks/:id 404 3',
    'GET none 404 3',
    'HEAD /v1/runners 200 1',
    'POST /v1/tasks/:name 201 1',
    'POST /v1/tasks/:name 404 3',
    'POST /v1/tasks/:name/batch 400 1',
    'other /v1/runners 405 1',
  ]);
});

test('who hangs up is told apart from who was answered, and is not in flight any more', async () => {
  const api = await startOwnApi(pool);
  const open = await closeGate(pool, 'access exclusive');
  const hung = request(`${api.url}/v1/tasks`).on('error', () => {});
  hung.end();
  await reaches(api, 1, 'errand_http_requests_in_flight');
  hung.destroy();
  await reaches(api, 1, COUNT, { method: 'GET', route: '/v1/tasks', status: '499' });
  await reaches(api, 0, 'errand_http_requests_in_flight');
  await open();
});

test('errors are counted by code, and by what protected itself', async () => {
  const api = await startOwnApi(pool, withConfig({ RATE_LIMIT_READS: '1' }));
  await api.call('POST', ECHO, { payload: {} });
  await api.call('GET', '/v1/runners');
  await api.call('GET', '/v1/runners');
  await reaches(api, 1, ERRORS, { code: 'VALIDATION_FAILED', reason: 'none' });
  await reaches(api, 1, ERRORS, { code: 'RATE_LIMITED', reason: 'reads-per-minute' });
});

test('a full process and a request that takes too long are counted', async () => {
  const api = await startOwnApi(pool, withConfig({ MAX_REQUESTS_IN_FLIGHT: '1', REQUEST_TIMEOUT_SECS: '2' }));
  const open = await closeGate(pool, 'access exclusive');
  const slow = api.call('GET', '/v1/tasks');
  await reaches(api, 1, 'errand_http_requests_in_flight');
  expect((await api.call('GET', '/v1/runners')).status).toBe(503);
  expect((await slow).status).toBe(408);
  await reaches(api, 1, ERRORS, { code: 'SERVICE_UNAVAILABLE', reason: 'in_flight' });
  await reaches(api, 1, ERRORS, { code: 'REQUEST_TIMEOUT', reason: 'timeout' });
  await open();
});

test('a full queue is counted', async () => {
  await submit(pool, ...[1, 2].map((ms) => ({ name: 'example.sleep', payload: { ms } })));
  const log = { warn: () => {} } as unknown as AppOptions['log'];
  const backpressure = limitDepth({ database: pool, names: async () => ['example.sleep'], limit: 1, log });
  onTestFinished(backpressure.close);
  const api = await startOwnApi(pool, { backpressure });
  await until('the queue is full', async () => {
    const { status } = await api.call('POST', '/v1/tasks/example.sleep', { payload: { ms: 3 } });
    return status === 503;
  });
  const families = await reaches(api, 1, ERRORS, { code: 'SERVICE_UNAVAILABLE', reason: 'backpressure' });
  expect(seriesValue(families, 'errand_queue_depth', { namespace: 'example' })).toBeGreaterThan(1);
});

test('the state shows, what it refuses is counted, and metrics are answered while it starts and drains', async () => {
  const state = createState();
  const api = await startOwnApi(pool, { state });
  const shown = async (): Promise<unknown> => {
    const samples = (await scrape(api)).get('errand_operational_state')?.samples ?? [];
    expect(samples).toHaveLength(4);
    return samples.filter(({ value }) => value === 1).map(({ labels }) => labels.state);
  };
  expect(await shown()).toEqual(['starting']);
  await api.call('GET', '/v1/runners');
  await reaches(api, 1, ERRORS, { code: 'SERVICE_UNAVAILABLE', reason: 'starting' });
  state.started();
  expect(await shown()).toEqual(['normal']);
  state.toggleEmergency();
  expect((await api.call('GET', '/metrics')).status).toBe(503);
  state.toggleEmergency();
  state.drain();
  expect(await shown()).toEqual(['draining']);
});

test('metrics ask for no credentials and are not in the log', async () => {
  const api = await startOwnApi(pool, { authenticate: async () => null });
  expect((await api.call('GET', '/v1/runners')).status).toBe(401);
  await reaches(api, 1, ERRORS, { code: 'UNAUTHORIZED', reason: 'none' });
  expect((await api.call('GET', '/health/detailed')).status).toBe(200);
  expect(api.lines.map(({ req }) => (req as { url: string }).url)).toEqual(['/v1/runners']);
});

test('submissions are counted by what became of them, one by one and in batches', async () => {
  const api = await startOwnApi(pool);
  const key = { 'Idempotency-Key': randomUUID() };
  const body = (message: string) => ({ payload: { message } });
  await api.call('POST', ECHO, body('first'), key);
  await api.call('POST', ECHO, body('first'), key);
  await api.call('POST', ECHO, body('other'), key);
  await api.call('POST', `${ECHO}/batch`, { items: ['b1', 'b2', 'b1'].map(body) });
  const { body: created } = await api.call('POST', ECHO, body('again'));
  await api.call('DELETE', `/v1/tasks/${created.task.id}`);
  await api.call('POST', ECHO, body('again'));
  const families = await scrape(api);
  const of = (outcome: string) =>
    seriesValue(families, 'errand_submissions_total', { name: 'example.echo', outcome });
  expect(['created', 'duplicate', 'conflict', 'rearmed'].map(of)).toEqual([4, 2, 1, 1]);
});
