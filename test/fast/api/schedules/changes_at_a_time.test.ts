import { beforeEach, describe, expect, test } from 'vitest';
import { handleDue, stopClock } from '../../../support/schedule_clock.ts';
import { readRuns, readSchedule } from '../../../support/schedules.ts';
import { expectError } from '../ledger.ts';
import { startScheduleApi, timesOf } from './schedules.ts';

// What went wrong elsewhere: upserts that doubled or lost the next run (bullmq#2988, #3063, pg-boss#592), removing
// and adding quickly (bullmq#3085), deduplication that stopped a schedule (bullmq#2954).

const { pool, put, call } = await startScheduleApi();

const MINUTES = { task: 'billing.send_invoice', payload: { customer: 'c-1' }, overlap: 'allow' };
const every = (seconds: number) => ({ ...MINUTES, every_seconds: seconds });
const at = (time: string): string => `2026-03-10T${time}.000Z`;

beforeEach(() => stopClock(pool, at('12:00:30')));

/** Moves the clock on and lets a runner handle what is due. */
async function goTo(time: string): Promise<void> {
  await stopClock(pool, at(time));
  await handleDue(pool);
}

describe('a change at the moment of a time, before a runner has handled it', () => {
  test('keeps that time with the same timing', async () => {
    await put('billing.same', every(60));
    await stopClock(pool, at('12:01:00'));
    const { body } = await put('billing.same', { ...every(60), payload: { customer: 'c-2' } });
    expect(body.schedule.next_at).toBe(at('12:01:00'));
    await goTo('12:01:00');
    await goTo('12:02:00');
    expect(await timesOf(pool, 'billing.same')).toEqual([at('12:01:00'), at('12:02:00')]);
    const { rows } = await pool.query(
      `select distinct payload from errand.tasks where schedule_id = 'billing.same'`,
    );
    expect(rows).toEqual([{ payload: { customer: 'c-2' } }]);
  });

  test('neither loses nor doubles it with another timing that has it too', async () => {
    await put('billing.other', every(60));
    await stopClock(pool, at('12:01:00'));
    await put('billing.other', every(30));
    await goTo('12:01:00');
    await goTo('12:01:30');
    expect(await timesOf(pool, 'billing.other')).toEqual([at('12:01:00'), at('12:01:30')]);
  });

  test('goes on with the first new time if the new timing does not have it', async () => {
    await put('billing.moved', every(60));
    await stopClock(pool, at('12:01:00'));
    await put('billing.moved', { ...MINUTES, cron: '10 * * * * *' });
    await goTo('12:01:00');
    expect(await timesOf(pool, 'billing.moved')).toEqual([]);
    await goTo('12:01:10');
    expect(await timesOf(pool, 'billing.moved')).toEqual([at('12:01:10')]);
  });
});

describe('a change after a time was handled', () => {
  test('does not run it again, with the same timing or with another one that has it', async () => {
    await put('billing.after', every(60));
    await goTo('12:01:00');
    await put('billing.after', { ...every(60), payload: { customer: 'c-2' } });
    await put('billing.after', every(30));
    await put('billing.after', every(60));
    await handleDue(pool);
    expect(await timesOf(pool, 'billing.after')).toEqual([at('12:01:00')]);
    await goTo('12:02:00');
    expect(await timesOf(pool, 'billing.after')).toEqual([at('12:01:00'), at('12:02:00')]);
  });

  test('and again and again with other settings never delays the next time', async () => {
    await put('billing.often', every(60));
    for (const second of ['12:00:40', '12:00:50', '12:00:59']) {
      await stopClock(pool, at(second));
      await put('billing.often', { ...every(60), payload: { customer: second } });
    }
    await goTo('12:01:00');
    expect(await timesOf(pool, 'billing.often')).toEqual([at('12:01:00')]);
  });
});

describe('removing and adding quickly', () => {
  test('goes on with the next time, and runs none again', async () => {
    await put('billing.again', every(60));
    await goTo('12:01:00');
    for (let round = 0; round < 3; round++) {
      expect((await call('DELETE', '/v1/schedules/billing.again')).status).toBe(200);
      expect((await put('billing.again', every(60))).status).toBe(201);
    }
    await handleDue(pool);
    await goTo('12:02:00');
    expect(await timesOf(pool, 'billing.again')).toEqual([at('12:01:00'), at('12:02:00')]);
    expect((await readRuns(pool, 'billing.again')).map(({ outcome }) => outcome)).toEqual([
      'submitted',
      'submitted',
    ]);
  });

  test('leaves its tasks and its history, which can still be read', async () => {
    await put('billing.gone', every(60));
    await goTo('12:01:00');
    await call('DELETE', '/v1/schedules/billing.gone');
    expectError(await call('GET', '/v1/schedules/billing.gone'), { status: 404, code: 'NOT_FOUND' });
    const { status, body } = await call('GET', '/v1/schedules/billing.gone/runs');
    expect([status, body.runs.length]).toEqual([200, 1]);
    const tasks = await call('GET', '/v1/tasks?schedule_id=billing.gone');
    expect(tasks.body.total).toBe(1);
  });
});

test("yesterday's finished task is not taken for today's, though the payload is the same", async () => {
  await put('billing.daily', { ...MINUTES, cron: '0 13 * * *', overlap: 'skip' });
  await goTo('13:00:00');
  await pool.query(
    `update errand.tasks set state = 'succeeded', finished_at = now(), dispatch_id = null where schedule_id = 'billing.daily'`,
  );
  await stopClock(pool, '2026-03-11T13:00:00Z');
  await handleDue(pool);
  expect(await timesOf(pool, 'billing.daily')).toEqual([at('13:00:00'), '2026-03-11T13:00:00.000Z']);
});

describe('changes by many callers at one moment', () => {
  test('are all made one after the other, and the next time stays', async () => {
    await put('billing.crowd', every(60));
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        put('billing.crowd', { ...every(60), payload: { customer: `c-${index}` } }),
      ),
    );
    const changed = answers.filter(({ status, body }) => status === 200 && body.changed);
    for (const { status, body } of answers) expect(body.code ?? status).toBeOneOf([200, 'CONFLICT']);
    const { revision, next_at } = await readSchedule(pool, 'billing.crowd');
    expect([revision, next_at]).toEqual([1 + changed.length, at('12:01:00')]);
    const { rows } = await pool.query<{ count: number }>(
      `select count(*) from errand.audit where target = 'billing.crowd'`,
    );
    expect(rows).toEqual([{ count: revision }]);
  });

  test('make a new schedule once', async () => {
    const answers = await Promise.all(Array.from({ length: 5 }, () => put('billing.first', every(60))));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 201]);
    expect(await readSchedule(pool, 'billing.first')).toMatchObject({ revision: 1 });
  });

  test('beside firings double and lose nothing', async () => {
    await put('billing.busy', every(1));
    for (let second = 31; second <= 40; second++) {
      await stopClock(pool, at(`12:00:${second}`));
      await Promise.all([
        put('billing.busy', { ...every(1), payload: { customer: `c-${second}` } }),
        handleDue(pool),
        put('billing.busy', { ...every(1), payload: { customer: `d-${second}` } }),
      ]);
    }
    expect(await timesOf(pool, 'billing.busy')).toEqual(
      Array.from({ length: 10 }, (_, index) => at(`12:00:${31 + index}`)),
    );
  });
});

describe('a broken schedule', () => {
  test('is mended by a PUT, and its missed times follow its catch-up', async () => {
    await put('billing.broken', every(60));
    await pool.query(
      `update errand.schedules set broken = 'its payload does not fit', broken_at = now(), due_at = null,
              revision = revision + 1 where id = 'billing.broken'`,
    );
    await stopClock(pool, at('12:05:10'));
    const before = await call('GET', '/v1/schedules/billing.broken');
    expect(before.body).toMatchObject({ state: 'broken', next_at: null });
    expect(before.body.broken.message).toBe('its payload does not fit');
    const { body } = await put('billing.broken', every(60));
    expect(body).toMatchObject({ changed: true, schedule: { state: 'active', broken: null } });
    await handleDue(pool);
    expect(await timesOf(pool, 'billing.broken')).toEqual([at('12:05:00')]);
    expect(await readRuns(pool, 'billing.broken')).toMatchObject([
      {
        outcome: 'skipped',
        reason: 'missed',
        scheduled_for: at('12:01:00'),
        until: at('12:04:00'),
        times: 4,
      },
      { outcome: 'submitted' },
    ]);
  });
});
