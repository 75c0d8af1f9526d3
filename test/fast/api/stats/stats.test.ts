import { expect, test } from 'vitest';
import { ANONYMOUS } from '../../../../api/auth/principal.ts';
import { rollUp } from '../../../../store/stats/rollups.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import { definitions } from '../../../../tasks/index.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startTestRunner } from '../../../support/runner.ts';
import { finished } from '../../../support/tasks.ts';
import { insertFinished, registerNames, setWatermark } from '../../store/stats/finished.ts';
import { fill } from '../fill.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const restricted = await startApi(pool, { authenticate: async () => ({ ...ANONYMOUS, namespaces: ['a'] }) });
await registerNames(pool, 'a.one', 'a.two', 'b.one');
await setWatermark(pool, 3 * 3_600);
await insertFinished(pool, [
  ...Array.from({ length: 8 }, () => ({ ago: 1_800, waitMs: 1_000, processingMs: 4_000 })),
  { ago: 1_700, state: 'failed', attempt: 3, waitMs: 1_000, processingMs: 4_000 },
  { ago: 5, state: 'failed', attempt: 2, waitMs: 60_000, processingMs: 1 },
  { ago: 5, state: 'cancelled', processingMs: null },
  { ago: 5, name: 'b.one', state: 'resolved' },
  { ago: 7_200, name: 'b.one' },
]);
while (await rollUp(pool, 3_600));
await fill(pool, [
  { name: 'a.one', state: 'queued' },
  { name: 'a.one', state: 'queued' },
  { name: 'a.two', state: 'running' },
  { name: 'b.one', state: 'retrying' },
]);

const NOTHING = { average: null, p50: null, p95: null, p99: null };
const NONE_OPEN = { scheduled: 0, waiting: 0, queued: 0, running: 0, retrying: 0 };

/** A duration that an estimate stands for. */
const about = (seconds: number): unknown => ({
  asymmetricMatch: (value: number) => Math.max(value / seconds, seconds / value) <= Math.SQRT2 + 1e-9,
});

test('GET /v1/tasks/stats tells by name and in total what is open, and how what finished did', async () => {
  const { status, body } = await api.call('GET', '/v1/tasks/stats');
  expect(status).toBe(200);
  expect(body.names.map(({ name }: { name: string }) => name)).toEqual(['a.one', 'a.two', 'b.one']);
  expect(body.names[0]).toEqual({
    name: 'a.one',
    namespace: 'a',
    open: { ...NONE_OPEN, queued: 2 },
    open_is_capped: false,
    finished: { succeeded: 8, failed: 2, cancelled: 1, resolved: 0, expired: 0 },
    skipped: 0,
    success_rate: 0.8,
    // 8 · 1 + 3 + 2, and none of the one that never started.
    attempts_per_task: 1.181818,
    processing_seconds: { average: 3.6001, p50: about(4), p95: about(4), p99: about(4) },
    queue_wait_seconds: { average: 6.9, p50: about(1), p95: about(60), p99: about(60) },
  });
  expect(body.names[1]).toEqual({
    name: 'a.two',
    namespace: 'a',
    open: { ...NONE_OPEN, running: 1 },
    open_is_capped: false,
    finished: { succeeded: 0, failed: 0, cancelled: 0, resolved: 0, expired: 0 },
    skipped: 0,
    success_rate: null,
    attempts_per_task: null,
    processing_seconds: NOTHING,
    queue_wait_seconds: NOTHING,
  });
  expect(body.total).toMatchObject({
    open: { ...NONE_OPEN, queued: 2, running: 1, retrying: 1 },
    finished: { succeeded: 8, failed: 2, cancelled: 1, resolved: 1, expired: 0 },
    success_rate: 0.8,
  });
  expect(Date.parse(body.from) % 60_000).toBe(0);
  expect(Date.parse(body.to) - Date.parse(body.from)).toBeGreaterThanOrEqual(3_600_000);
  expect(Date.parse(body.to) - Date.parse(body.from)).toBeLessThan(3_660_000);
});

test('it can be narrowed to a name, a namespace, a window', async () => {
  const count = async (query: string): Promise<number> => {
    const { body } = await api.call('GET', `/v1/tasks/stats?${query}`);
    return Object.values<number>(body.total.finished).reduce((sum, one) => sum + one, 0);
  };
  expect(await count('')).toBe(12);
  expect(await count('name=a.one')).toBe(11);
  expect(await count('name=a.two')).toBe(0);
  expect(await count('name=c.none')).toBe(0);
  expect(await count('namespace=b')).toBe(1);
  expect(await count('namespace=a&name=b.one')).toBe(0);
  expect(await count('window_minutes=1')).toBe(3);
  expect(await count('window_minutes=150')).toBe(13);
  expect(await count('window_minutes=10080')).toBe(13);
});

test('a caller sees its own namespaces alone', async () => {
  const { body } = await restricted.call('GET', '/v1/tasks/stats');
  expect(body.names.map(({ name }: { name: string }) => name)).toEqual(['a.one', 'a.two']);
  expect(body.total.finished).toEqual({ succeeded: 8, failed: 2, cancelled: 1, resolved: 0, expired: 0 });
  expect(body.total.open).toEqual({ ...NONE_OPEN, queued: 2, running: 1 });
  for (const query of ['namespace=b', 'name=b.one']) {
    const { status, body: other } = await restricted.call('GET', `/v1/tasks/stats?${query}`);
    expect(status).toBe(200);
    expect(other.names).toEqual([]);
    expect(other.total.finished).toEqual({ succeeded: 0, failed: 0, cancelled: 0, resolved: 0, expired: 0 });
  }
});

test.each(['0', '-1', '10081', '1.5', 'x', ''])('a window of %s minutes is refused', async (minutes) => {
  const { status, body } = await api.call('GET', `/v1/tasks/stats?window_minutes=${minutes}`);
  expect(status).toBe(400);
  expect(body).toMatchObject({ code: 'VALIDATION_FAILED', details: [{ path: '/query/window_minutes' }] });
});

test('stats is no id of a task: other methods are not allowed', async () => {
  for (const method of ['DELETE', 'PUT', 'PATCH', 'POST']) {
    const { status } = await api.call(method, '/v1/tasks/stats', method === 'DELETE' ? undefined : {});
    expect(status).toBe(405);
  }
});

test('what has just run is in it', async () => {
  await registerDefinitions(pool, definitions);
  await startTestRunner(pool);
  const submitted = await api.call('POST', '/v1/tasks/example.echo', { payload: { message: 'x' } });
  await finished(pool, submitted.body.task.id);
  const { body } = await api.call('GET', '/v1/tasks/stats?name=example.echo');
  expect(body.total.finished).toMatchObject({ succeeded: 1 });
  expect(body.total).toMatchObject({ attempts_per_task: 1, queue_wait_seconds: { p99: expect.any(Number) } });
});
