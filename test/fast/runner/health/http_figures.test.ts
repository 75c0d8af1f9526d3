import { pino } from 'pino';
import { expect, test } from 'vitest';
import { sharedReading } from '../../../../process/shared_reading.ts';
import { createRate, keepFigures } from '../../../../runner/health/figures.ts';
import { healthStatus, namespaceFigures } from '../../../../runner/health/namespaces.ts';
import { watchSystem } from '../../../../runner/health/system_metrics.ts';
import { createEvents } from '../../../../runner/record/events.ts';
import type { Outcome } from '../../../../store/attempts/outcomes.ts';
import { openPool } from '../../../../store/database/pool.ts';
import { until } from '../../../support/until.ts';

const log = pino({ level: 'silent' });

test('a rate is per second over the last minute, or over the time there was', () => {
  let now = 5_500;
  const rate = createRate(() => now);
  expect(rate.perSecond()).toBe(0);
  rate.add(3);
  // Less than a second is taken for one.
  expect(rate.perSecond()).toBe(3);
  now += 2_000;
  expect(rate.perSecond()).toBe(1.5);
  rate.add(5);
  now += 2_000;
  expect(rate.perSecond()).toBe(2);
  now = 61_000;
  expect(rate.perSecond()).toBeCloseTo(8 / 55.5);
  // The three have left the window, the five are in its oldest second.
  now = 66_999;
  expect(rate.perSecond()).toBeCloseTo(5 / 60, 2);
  now = 67_000;
  expect(rate.perSecond()).toBe(0);
  rate.add(6);
  now += 500;
  expect(rate.perSecond()).toBeCloseTo(6 / 59.5);
  now += 10 * 60_000;
  expect(rate.perSecond()).toBe(0);
});

const calm = {
  waiting: { depth: 0, isCapped: false, oldestWaitSecs: 0, ready: 0, oldestReadySecs: 0 },
  active: 0,
  rate: 0,
  secondsIdle: 100,
};
const waits = (seconds: number, readySeconds = seconds) => ({
  ...{ depth: 1, isCapped: false, oldestWaitSecs: seconds },
  ...{ ready: readySeconds > 0 ? 1 : 0, oldestReadySecs: readySeconds },
});

test.each([
  ['idle', 'nothing waits, runs or has lately been done', calm],
  ['healthy', 'something has just been done', { ...calm, rate: 0.1, secondsIdle: 30 }],
  ['healthy', 'something runs', { ...calm, active: 1 }],
  ['healthy', 'something waits, not for long', { ...calm, waiting: waits(9.9) }],
  ['degraded', 'something has waited for long and nothing moves', { ...calm, waiting: waits(10) }],
  [
    'degraded',
    'the same, and the last outcome is some seconds old',
    { ...calm, waiting: waits(10), secondsIdle: 10 },
  ],
  [
    'healthy',
    'the same, but something was recorded since',
    { ...calm, waiting: waits(10), secondsIdle: 9.9 },
  ],
  ['healthy', 'what has waited for long waits for a limit', { ...calm, waiting: waits(1_000, 0) }],
  ['healthy', 'the same, but something runs', { ...calm, waiting: waits(1_000), active: 1 }],
  ['degraded', 'it is not known what waits', { ...calm, waiting: null, active: 1, rate: 1, secondsIdle: 0 }],
])('a namespace is %s when %s', (status, _why, seen) => {
  expect(healthStatus(seen)).toBe(status);
});

test('what is paused degrades nothing, and what was resumed has some seconds to move', () => {
  const work = { rate: () => 0, lastProcessed: () => null, secondsIdle: () => 100 };
  const paused = (secondsSteady: number) => ({ of: () => ['a.x'], secondsSteady: () => secondsSteady });
  const all = new Map([['a', waits(1_000)]]);
  const seen = (unpaused: typeof all, steady: number) =>
    namespaceFigures('a', work, 0, { all, unpaused }, paused(steady));
  expect(seen(new Map(), 100)).toMatchObject({ queue_depth: 1, health_status: 'idle', paused: ['a.x'] });
  expect(seen(all, 9.9)).toMatchObject({ queue_depth: 1, health_status: 'healthy' });
  expect(seen(all, 10)).toMatchObject({ queue_depth: 1, health_status: 'degraded' });
});

test('only outcomes that counted count, each for its own namespace', async () => {
  const events = createEvents(log);
  const { namespaces } = keepFigures(events, ['a.one', 'a.two', 'b.one']);
  await until('some time has passed', () => Number(namespaces.get('a')?.secondsIdle()) > 0.05);
  const outcome = (id: string, name: string) => ({ id, name }) as Outcome;
  events.emit(
    'recorded',
    [outcome('1', 'a.one'), outcome('2', 'a.two'), outcome('3', 'b.one'), outcome('4', 'c.one')],
    new Set(['1', '2', '4']),
  );
  expect([...namespaces.keys()]).toEqual(['a', 'b']);
  const [a, b] = Array.from(namespaces.values(), (work) => work.secondsIdle());
  expect(Number(b) - Number(a)).toBeGreaterThan(0.04);
  expect(namespaces.get('a')?.rate()).toBe(2);
  expect(namespaces.get('b')?.rate()).toBe(0);
  expect(namespaces.get('b')?.lastProcessed()).toBeNull();
  expect(Date.parse(namespaces.get('a')?.lastProcessed() ?? '')).toBeCloseTo(Date.now(), -4);
});

test('a listener that throws stops neither the work nor its neighbours', () => {
  const events = createEvents(log);
  const heard: string[] = [];
  events.on('started', () => {
    throw new Error('broken');
  });
  events.on('started', (name, waitedMs) => heard.push(`${name} ${waitedMs}`));
  events.emit('started', 'a.one', 5);
  expect(heard).toEqual(['a.one 5']);
});

test('a shared reading is made once for all who ask meanwhile, kept, and made again', async () => {
  let now = 0;
  let reads = 0;
  const first = Promise.withResolvers<number>();
  const read = sharedReading(
    () => (++reads === 1 ? first.promise : Promise.reject(new Error('gone'))),
    { keepMs: 1_000, waitBudgetMs: 60_000 },
    () => now,
  );
  const asked = [read(), read(), read()];
  expect(reads).toBe(1);
  first.resolve(7);
  expect(await Promise.all(asked)).toEqual([{ value: 7 }, { value: 7 }, { value: 7 }]);
  now = 999;
  expect(await read()).toEqual({ value: 7 });
  expect(reads).toBe(1);
  now = 1_000;
  expect(await read()).toEqual({ value: null, why: 'gone' });
  // A failure is kept as well: what is down is not asked more often.
  now = 1_999;
  expect(await read()).toEqual({ value: null, why: 'gone' });
  expect(reads).toBe(2);
});

test('nobody waits for a reading longer than his waitBudget, and it is still one', async () => {
  let reads = 0;
  const gate = Promise.withResolvers<number>();
  const read = sharedReading(
    () => {
      reads++;
      return gate.promise;
    },
    { keepMs: 60_000, waitBudgetMs: 20 },
  );
  const impatient = { value: null, why: 'no answer within 20 ms' };
  expect(await read()).toEqual(impatient);
  expect(await read()).toEqual(impatient);
  expect(reads).toBe(1);
  gate.resolve(1);
  expect(await read()).toEqual({ value: 1 });
});

test('a blocked event loop shows', async () => {
  const pool = openPool({
    connectionString: 'postgres://127.0.0.1:1/none',
    applicationName: 'test',
    size: 1,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  const read = watchSystem(pool, () => 3);
  expect(read()).toMatchObject({ dispatches_in_hand: 3, database_pool: { total: 0, idle: 0, waiting: 0 } });
  await until('the delay is seen', () => {
    const end = performance.now() + 300;
    while (performance.now() < end);
    return read().event_loop_delay_p99_seconds >= 0.2;
  });
  await pool.end();
});
