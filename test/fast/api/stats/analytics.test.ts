import { expect, test } from 'vitest';
import { ANONYMOUS } from '../../../../api/auth/principal.ts';
import { rollUp } from '../../../../store/stats/rollups.ts';
import { startApi } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { insertFinished, registerNames, setWatermark } from '../../store/stats/finished.ts';

const { pool } = await createDatabase();
const api = await startApi(pool);
const restricted = await startApi(pool, {
  authenticate: async () => ({ ...ANONYMOUS, namespaces: ['a'] }),
});
const NAMES = ['a.slow', 'a.waits', 'a.retried', 'a.idle', 'b.one'];
await registerNames(pool, ...NAMES);
await setWatermark(pool, 3 * 3_600);
await insertFinished(pool, [
  ...Array.from({ length: 60 }, (_, minute) => ({
    name: 'a.slow',
    ago: 30 + minute * 60,
    processingMs: 30_000,
  })),
  ...Array.from({ length: 20 }, () => ({ name: 'a.waits', ago: 600, waitMs: 90_000 })),
  { name: 'a.retried', ago: 1_500, state: 'failed', attempt: 25 },
  { name: 'a.retried', ago: 3, attempt: 2 },
  { name: 'b.one', ago: 3, attempt: 3 },
]);
while (await rollUp(pool, 3_600));
await pool.query(`
  insert into errand.tasks (name, version, state, priority, max_attempts, payload, run_at)
  select name, '1', state, 0, 1, '{}', now() - since
    from (values ('a.waits', 'queued', interval '90 seconds'), ('a.waits', 'queued', '5 seconds'),
                 ('a.slow', 'retrying', '200 seconds'), ('a.idle', 'scheduled', '-1 hour'),
                 ('b.one', 'queued', '1 day')) as open (name, state, since)`);
await pool.query(`
  insert into errand.pauses (target, paused_at, actor, reason)
  values ('a.slow', '2026-01-01T00:00:00Z', 'user:ann', 'too slow'), ('b', '2026-01-02T00:00:00Z', 'user:ben', null)`);

type Named = { name: string };
const namesOf = (list: Named[]): string[] => list.map(({ name }) => name);
type Finished = { finished: Record<string, number> };
const finishedIn = ({ finished }: Finished): number =>
  Object.values(finished).reduce((sum, count) => sum + count, 0);

test('GET /v1/analytics/performance gives rates over even intervals that add up', async () => {
  const { status, body } = await api.call('GET', '/v1/analytics/performance');
  expect(status).toBe(200);
  expect(body.interval_seconds).toBe(60);
  expect([60, 61]).toContain(body.intervals.length);
  let from = body.from;
  for (const interval of body.intervals) {
    expect(interval.from).toBe(from);
    from = interval.to;
  }
  expect(from).toBe(body.to);
  const sum = body.intervals.reduce((all: number, one: Finished) => all + finishedIn(one), 0);
  expect(sum).toBe(finishedIn(body.total));
  expect(sum).toBeGreaterThanOrEqual(80);
  const seconds = (Date.parse(body.to) - Date.parse(body.from)) / 1_000;
  expect(body.total.throughput_per_second).toBeCloseTo(sum / seconds, 5);
  expect(body.total).toMatchObject({
    finished: { failed: 1 },
    processing_seconds: { p95: expect.any(Number) },
  });
  const failing = body.intervals.filter((interval: Finished) => interval.finished.failed === 1);
  expect(failing).toHaveLength(1);
  expect(Date.now() - Date.parse(failing[0].from)).toBeGreaterThan(1_500_000);
});

test('it tells the share of each name that had one, the largest first', async () => {
  const { body } = await api.call('GET', '/v1/analytics/performance');
  expect(namesOf(body.names)).toEqual(['a.slow', 'a.waits', 'a.retried', 'b.one']);
  const shares = body.names.map(({ share }: { share: number }) => share);
  expect(shares.reduce((sum: number, share: number) => sum + share, 0)).toBeCloseTo(1, 4);
  expect(body.names[2]).toMatchObject({ namespace: 'a', success_rate: 0.5, attempts_per_task: 13.5 });
});

test.each([
  [1, 60],
  [59, 60],
  [60, 60],
  [61, 120],
  [360, 360],
  [361, 3_600],
  [3_600, 3_600],
  [10_080, 10_800],
])(
  'a window of %i minutes is split into intervals of %i s, 60 at most and the one under way',
  async (minutes, seconds) => {
    const { body } = await api.call('GET', `/v1/analytics/performance?window_minutes=${minutes}`);
    expect(body.interval_seconds).toBe(seconds);
    expect(body.intervals.length).toBeLessThanOrEqual(61);
    expect(body.intervals.length).toBeGreaterThanOrEqual(Math.floor((minutes * 60) / seconds));
    expect(body.intervals.at(-1).to).toBe(body.to);
  },
);

test('GET /v1/analytics/bottlenecks gives the worst of each kind first', async () => {
  const { status, body } = await api.call('GET', '/v1/analytics/bottlenecks');
  expect(status).toBe(200);
  expect(namesOf(body.slowest)[0]).toBe('a.slow');
  expect(body.slowest[0].processing_seconds.p95).toBeGreaterThan(30 / Math.SQRT2);
  expect(namesOf(body.longest_waits)[0]).toBe('a.waits');
  expect(body.longest_waits[0].queue_wait_seconds.p95).toBeGreaterThan(90 / Math.SQRT2);
  // Those with one attempt each are none.
  expect(namesOf(body.most_retried)).toEqual(['a.retried', 'b.one']);
  expect(body.most_retried[0]).toMatchObject({ tasks: 2, attempts_per_task: 13.5 });
  expect(namesOf(body.waiting)).toEqual(['b.one', 'a.slow', 'a.waits']);
  expect(body.waiting[2]).toMatchObject({ namespace: 'a', queue_depth: 2, queue_depth_is_capped: false });
  expect(body.waiting[2].oldest_wait_seconds).toBeGreaterThanOrEqual(90);
  expect(body.paused).toEqual([
    { target: 'b', paused_at: '2026-01-02T00:00:00.000Z', actor: 'user:ben', reason: null },
    { target: 'a.slow', paused_at: '2026-01-01T00:00:00.000Z', actor: 'user:ann', reason: 'too slow' },
  ]);
});

test('of each kind there are ten at most', async () => {
  const many = Array.from({ length: 12 }, (_, index) => `c.task${index}`);
  await registerNames(pool, ...many);
  await insertFinished(
    pool,
    many.map((name, index) => ({ name, ago: 2, attempt: 2 + index, processingMs: 1_000 * 2 ** index })),
  );
  const { body } = await api.call('GET', '/v1/analytics/bottlenecks?namespace=c');
  const worst = many.toReversed().slice(0, 10);
  expect(namesOf(body.most_retried)).toEqual(worst);
  expect(namesOf(body.slowest)).toEqual(worst);
  await pool.query(`delete from errand.tasks where name like 'c.%'`);
  await pool.query(`delete from errand.definitions where namespace = 'c'`);
});

test('a caller sees its own namespaces alone', async () => {
  const performance = await restricted.call('GET', '/v1/analytics/performance');
  expect(namesOf(performance.body.names)).toEqual(['a.slow', 'a.waits', 'a.retried']);
  const all = await api.call('GET', '/v1/analytics/performance');
  const mine = await api.call('GET', '/v1/analytics/performance?namespace=a');
  expect(finishedIn(performance.body.total)).toBe(finishedIn(mine.body.total));
  expect(finishedIn(performance.body.total)).toBe(finishedIn(all.body.total) - 1);
  const { body, text } = await restricted.call('GET', '/v1/analytics/bottlenecks');
  expect(text).not.toContain('b.one');
  expect(namesOf(body.waiting)).toEqual(['a.slow', 'a.waits']);
  expect(body.paused).toMatchObject([{ target: 'a.slow' }]);
  for (const path of ['performance', 'bottlenecks']) {
    const other = await restricted.call('GET', `/v1/analytics/${path}?namespace=b`);
    expect(other.status).toBe(200);
    expect(other.text).not.toMatch(/"b\b/);
  }
});

test('narrowed to a name, nothing is told of others', async () => {
  const { body } = await api.call('GET', '/v1/analytics/bottlenecks?name=a.waits');
  for (const kind of ['slowest', 'longest_waits', 'waiting'])
    expect(namesOf(body[kind])).toEqual(['a.waits']);
  expect(body.paused).toEqual([]);
});

test.each(['performance', 'bottlenecks'])('%s refuses a window that is none', async (path) => {
  for (const minutes of ['0', '10081', 'x']) {
    const { status, body } = await api.call('GET', `/v1/analytics/${path}?window_minutes=${minutes}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'VALIDATION_FAILED', details: [{ path: '/query/window_minutes' }] });
  }
});
