import type { Pool } from 'pg';
import { expect, test } from 'vitest';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { call, startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { cancelTask } from '../../../support/operator.ts';
import { startProcess, type TestProcess } from '../../../support/processes.ts';
import { type Family, parsePrometheus, seriesValue as valueOfSeries } from '../../../support/prometheus.ts';
import { UNDER_WAY_MS } from '../../../support/runners.ts';
import { finished, inState, submit, submitOne } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-/;
const SERIES: Record<string, string> = {
  errand_attempts_total: 'counter',
  errand_namespace_depth: 'gauge',
  errand_namespace_oldest_wait_seconds: 'gauge',
  errand_attempt_duration_seconds: 'histogram',
  errand_queue_wait_seconds: 'histogram',
  errand_attempts_in_flight: 'gauge',
  errand_slots: 'gauge',
  errand_outcomes_buffered: 'gauge',
  errand_pool_connections: 'gauge',
  errand_recoveries_total: 'counter',
  errand_quarantined_total: 'counter',
  errand_schedule_lag_seconds: 'histogram',
  errand_schedule_skipped_total: 'counter',
  errand_schedule_failed_total: 'counter',
  errand_lease_heartbeat_age_seconds: 'gauge',
};

/** The value of a series. What has the name of a task has its namespace, too. */
function seriesValue(families: Map<string, Family>, series: string, labels: Record<string, string> = {}) {
  const { name } = labels;
  return valueOfSeries(families, series, {
    ...labels,
    ...(name !== undefined && { namespace: name.slice(0, name.indexOf('.')) }),
  });
}

async function scrape(runner: TestProcess): Promise<Map<string, Family>> {
  const { status, headers, text } = await call(runner.url, 'GET', '/metrics');
  expect(status).toBe(200);
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).not.toMatch(UUID);
  return parsePrometheus(text);
}

const { url, pool } = await createDatabase();
// One for all but the last: none of them counts what another does.
const runner = await startProcess('runner/main.ts', url, { RUNNER_CONCURRENCY: '7' });
const atStart = await scrape(runner);

/** Waits until a series has a value. */
function reaches(runner: TestProcess, value: number, name: string, labels?: Record<string, string>) {
  return until(`${name} ${JSON.stringify(labels)} is ${value}`, async () => {
    const families = await scrape(runner);
    return seriesValue(families, name, labels) === value && families;
  });
}

test('every series is there from the start, at 0, with the types and names that Prometheus wants', async () => {
  const families = atStart;
  for (const [name, type] of Object.entries(SERIES)) expect(families.get(name)?.type, name).toBe(type);
  for (const [name, { type, help, samples }] of families) {
    expect(help, name).not.toBe('');
    if (!name.startsWith('errand_')) continue;
    expect(samples, name).not.toEqual([]);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
  }
  for (const { value } of families.get('errand_attempts_total')?.samples ?? []) expect(value).toBe(0);
  expect(seriesValue(families, 'errand_attempts_total', { name: 'http.request', outcome: 'timed_out' })).toBe(
    0,
  );
  expect(seriesValue(families, 'errand_queue_wait_seconds_count', { name: 'http.request' })).toBe(0);
  expect(seriesValue(families, 'errand_slots')).toBe(7);
  expect(seriesValue(families, 'process_cpu_seconds_total')).toBeGreaterThan(0);
  await until('a connection is idle', async () => {
    const idle = seriesValue(await scrape(runner), 'errand_pool_connections', { state: 'idle' });
    return idle !== undefined && idle > 0;
  });
});

test('attempts are counted by task and outcome, with how long they waited and took', async () => {
  const name = 'example.echo';
  const runAt = new Date(Date.now() - 600_000).toISOString();
  const echoes = Array.from({ length: 5 }, () => ({ name, payload: { message: 'x' }, runAt }));
  await submit(pool, ...echoes);
  await submitOne(pool, { name: 'example.fail', payload: { times: 1 } });
  const sleeper = await submitOne(pool, { name: 'example.sleep', payload: { ms: 60_000 } });
  await inState(pool, sleeper.id, 'running');
  await reaches(runner, 1, 'errand_attempts_in_flight');
  await cancelTask(pool, sleeper.id);
  const families = await reaches(runner, 1, 'errand_attempts_total', {
    name: 'example.sleep',
    outcome: 'cancelled',
  });
  const slept = seriesValue(families, 'errand_attempt_duration_seconds_sum', { name: 'example.sleep' });
  expect(slept).toBeGreaterThan(0.2);
  expect(slept).toBeLessThan(60);
  await reaches(runner, 0, 'errand_attempts_in_flight');
  await reaches(runner, 1, 'errand_attempts_total', { name: 'example.fail', outcome: 'failed' });
  await reaches(runner, 1, 'errand_attempts_total', { name: 'example.fail', outcome: 'succeeded' });
  const counted = await reaches(runner, 5, 'errand_attempts_total', { name, outcome: 'succeeded' });
  expect(seriesValue(counted, 'errand_attempt_duration_seconds_count', { name })).toBe(5);
  expect(seriesValue(counted, 'errand_queue_wait_seconds_count', { name })).toBe(5);
  // They were due ten minutes ago.
  expect(seriesValue(counted, 'errand_queue_wait_seconds_sum', { name })).toBeGreaterThan(5 * 600);
  expect(seriesValue(counted, 'errand_queue_wait_seconds_bucket', { name, le: '300' })).toBe(0);
  expect(seriesValue(counted, 'errand_queue_wait_seconds_bucket', { name, le: '1800' })).toBe(5);
  expectCumulative(counted);
});

function expectCumulative(families: Map<string, Family>): void {
  for (const [name, { type, samples }] of families) {
    if (type !== 'histogram') continue;
    const buckets = samples.filter((sample) => sample.name === `${name}_bucket`);
    const byName = Map.groupBy(buckets, ({ labels }) => labels.name ?? labels.namespace ?? labels.kind);
    for (const [label, ofOne] of byName) {
      const values = ofOne.map(({ value }) => value);
      expect(values, `${name} of ${label}`).toEqual(values.toSorted((a, b) => a - b));
      expect(ofOne.at(-1)?.labels.le).toBe('+Inf');
    }
  }
}

test('outcomes that can not be recorded yet are seen as buffered', async () => {
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: { ms: UNDER_WAY_MS } });
  await inState(pool, id, 'running');
  const holder = await pool.connect();
  await holder.query('begin');
  await holder.query('select 1 from errand.tasks where id = $1 for update', [id]);
  const held = await reaches(runner, 1, 'errand_outcomes_buffered');
  expect(seriesValue(held, 'errand_attempts_in_flight')).toBe(0);
  expect(seriesValue(held, 'errand_pool_connections', { state: 'busy' })).toBeGreaterThan(0);
  expect(seriesValue(held, 'errand_attempts_total', { name: 'example.sleep', outcome: 'succeeded' })).toBe(0);
  await holder.query('commit');
  holder.release();
  await finished(pool, id);
  const recorded = await reaches(runner, 0, 'errand_outcomes_buffered');
  expect(
    seriesValue(recorded, 'errand_attempts_total', { name: 'example.sleep', outcome: 'succeeded' }),
  ).toBe(1);
});

test('times of schedules are counted: how late they are submitted, why they are skipped, and what fails', async () => {
  await registerDefinitions(pool, definitions);
  const api = await startApi(pool);
  const failing = { times: 9, permanent: true };
  for (const [id, settings] of Object.entries({
    'example.often': { task: 'example.now', payload: {} },
    'example.long': { task: 'example.sleep', payload: { ms: 60_000 } },
    'example.bad': { task: 'example.fail', payload: failing, overlap: 'allow' },
  })) {
    const body = { ...settings, every_seconds: 1 };
    expect((await api.call('PUT', `/v1/schedules/${id}`, body)).status).toBe(201);
  }
  const namespace = 'example';
  const counted = await until('all of it is counted', async () => {
    const families = await scrape(runner);
    const values = [
      seriesValue(families, 'errand_schedule_lag_seconds_count', { namespace }),
      seriesValue(families, 'errand_schedule_skipped_total', { namespace, reason: 'overlap' }),
      seriesValue(families, 'errand_schedule_failed_total', { namespace }),
    ];
    return values.every((value) => value !== undefined && value > 0) && families;
  });
  for (const id of ['example.often', 'example.long', 'example.bad'])
    expect((await api.call('DELETE', `/v1/schedules/${id}`)).status).toBe(200);
  expect(seriesValue(counted, 'errand_schedule_lag_seconds_sum', { namespace })).toBeGreaterThan(0);
  expect(seriesValue(counted, 'errand_schedule_skipped_total', { namespace, reason: 'paused' })).toBe(0);
});

test('runners that were taken over and tasks that were quarantined are counted', async () => {
  const { url: itsUrl, pool: its } = await createDatabase();
  const dead = await deadRunner(its);
  // Only what had a process to itself is quarantined, and at the fifth crash when nobody saw that one end.
  await its.query('update errand.runners set parent_id = 0 where id = $1', [dead]);
  const { id } = await submitOne(its, { name: 'example.sleep', payload: { ms: 1 } });
  await its.query(
    `update errand.tasks set state = 'running', started_at = now(), runner_id = $2, crashes = 4 where id = $1`,
    [id, dead],
  );
  // It comes last: what it is to find is whole.
  const other = await startProcess('runner/main.ts', itsUrl, { RUNNER_LEASE_SECS: '2' });
  const families = await reaches(other, 1, 'errand_recoveries_total');
  expect(seriesValue(families, 'errand_quarantined_total')).toBe(1);
  expect(seriesValue(families, 'errand_lease_heartbeat_age_seconds')).toBeLessThan(2);
  expect(await finished(its, id)).toMatchObject({ error: { error_code: 'QUARANTINED' } });
});

async function deadRunner(pool: Pool): Promise<number | undefined> {
  const { rows } = await pool.query<{ id: number }>(`
    insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, heartbeat_at)
    values ('elsewhere', 1, 'test', '{}', 1, 2, now() - interval '1 hour')
    returning id`);
  return rows[0]?.id;
}
