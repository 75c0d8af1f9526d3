import { pino } from 'pino';
import type { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { PermanentError } from '../../../../core/errors.ts';
import { createMetrics } from '../../../../runner/health/metrics.ts';
import { createEvents, type RunnerEvents } from '../../../../runner/record/events.ts';
import { createDatabase } from '../../../support/database.ts';
import { type Family, parsePrometheus, seriesValue } from '../../../support/prometheus.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { finished, submit } from '../../../support/tasks.ts';
import { until } from '../../../support/until.ts';
import { define } from '../one_task.ts';

const log = pino({ level: 'silent' });

function made(names: string[]): { events: RunnerEvents; metrics: Registry } {
  const events = createEvents(log);
  return { events, metrics: createMetrics(events, names) };
}

async function families(metrics: Registry): Promise<Map<string, Family>> {
  return parsePrometheus(await metrics.metrics());
}

test('the series of the namespaces of a runner are there from the start, at 0', async () => {
  const of = await families(made(['billing.send', 'billing.pay', 'mail.send']).metrics);
  for (const namespace of ['billing', 'mail']) {
    expect(seriesValue(of, 'errand_schedule_lag_seconds_count', { namespace })).toBe(0);
    expect(seriesValue(of, 'errand_schedule_failed_total', { namespace })).toBe(0);
    for (const reason of ['overlap', 'missed', 'paused', 'broken', 'replaced'])
      expect(seriesValue(of, 'errand_schedule_skipped_total', { namespace, reason })).toBe(0);
  }
});

test('what a tick fired and left out is counted by namespace, also of namespaces that only others execute', async () => {
  const { events, metrics } = made(['billing.send']);
  events.emit('schedulesFired', [
    { namespace: 'billing', lagMs: [4, 300] },
    { namespace: 'other', lagMs: [7_200_000] },
  ]);
  events.emit('schedulesSkipped', [
    { namespace: 'billing', reason: 'overlap', times: 1 },
    { namespace: 'other', reason: 'missed', times: 41 },
  ]);
  const of = await families(metrics);
  const billing = { namespace: 'billing' };
  expect(seriesValue(of, 'errand_schedule_lag_seconds_count', billing)).toBe(2);
  expect(seriesValue(of, 'errand_schedule_lag_seconds_sum', billing)).toBeCloseTo(0.304);
  expect(seriesValue(of, 'errand_schedule_lag_seconds_bucket', { ...billing, le: '0.25' })).toBe(1);
  expect(seriesValue(of, 'errand_schedule_lag_seconds_bucket', { namespace: 'other', le: '3600' })).toBe(0);
  expect(seriesValue(of, 'errand_schedule_skipped_total', { ...billing, reason: 'overlap' })).toBe(1);
  expect(seriesValue(of, 'errand_schedule_skipped_total', { namespace: 'other', reason: 'missed' })).toBe(41);
});

test('a task of a schedule counts as failed once, when it has failed for good; others do not count', async () => {
  const { pool } = await createDatabase();
  const { events, metrics } = made(['billing.send']);
  const definition = define('billing.send');
  const failing = registeredHandler(definition, async (_payload, { attempt }) => {
    throw attempt < 2 ? new Error('again') : new PermanentError('no');
  });
  const task = { name: 'billing.send', payload: {} };
  const [scheduled, plain] = await submit(pool, task, task);
  await pool.query(
    `update errand.tasks set schedule_id = 'billing.nightly', scheduled_for = now() where id = $1`,
    [scheduled?.id],
  );
  await startTestRunner(pool, { registeredHandlers: new Map([failing]), events });
  const ended = await Promise.all([scheduled, plain].map((task) => finished(pool, String(task?.id))));
  expect(ended).toMatchObject([
    { state: 'failed', attempt: 2 },
    { state: 'failed', attempt: 2 },
  ]);
  const counted = await until('it is counted', async () => {
    const of = await families(metrics);
    return seriesValue(of, 'errand_schedule_failed_total', { namespace: 'billing' }) !== 0 && of;
  });
  expect(seriesValue(counted, 'errand_schedule_failed_total', { namespace: 'billing' })).toBe(1);
});
