import { describe, expect, test } from 'vitest';
import { startApi } from '../../../support/api.ts';
import { testConfig } from '../../../support/api_options.ts';
import { handleDue, stopClock } from '../../../support/schedule_clock.ts';
import { readRuns, readSchedule } from '../../../support/schedules.ts';
import { expectError } from '../ledger.ts';
import { as } from '../principals.ts';
import { auditOf, NIGHTLY, startScheduleApi, timesOf } from './schedules.ts';

const api = await startScheduleApi();
const { pool, put, call } = api;
await stopClock(pool, '2026-03-10T12:00:00Z');

const HOURLY = { task: 'billing.send_invoice', payload: { customer: 'c-1' }, cron: '0 * * * *' };
/** Over the spring night in New York: the fixed time of 02:30 exists each day but one. */
const MARCH = { from: '2026-03-05T00:00:00Z', to: '2026-03-10T00:00:00Z' };

const backfill = (id: string, body: unknown) => call('POST', `/v1/schedules/${id}/backfill`, body);

describe('POST /v1/schedules/{schedule_id}/backfill', () => {
  test('submits the times of a range, both ends included, though the schedule is younger', async () => {
    await put('billing.past', HOURLY);
    const range = { from: '2026-03-10T02:00:00Z', to: '2026-03-10T05:00:00Z' };
    const { status, body } = await backfill('billing.past', { ...range, reason: 'lost' });
    const times = ['02', '03', '04', '05'].map((hour) => `2026-03-10T${hour}:00:00.000Z`);
    expect([status, body.message]).toEqual([200, '4 of 4 times were submitted']);
    expect(body).toMatchObject({ dry_run: false, times: 4, submitted: 4, existing: 0, pending: 0 });
    expect(body.tasks.map(({ scheduled_for }: { scheduled_for: string }) => scheduled_for)).toEqual(times);
    expect(await timesOf(pool, 'billing.past')).toEqual(times);
    const { rows } = await pool.query(
      `select distinct submitted_by, dedup, initiator, reason, payload, dispatch_id is not null as "isDispatched"
         from errand.tasks where schedule_id = 'billing.past'`,
    );
    expect(rows).toEqual([
      {
        ...{ submitted_by: 'schedule:billing.past', dedup: 'schedule', initiator: 'anonymous' },
        ...{ reason: 'lost', payload: { customer: 'c-1' }, isDispatched: true },
      },
    ]);
    expect((await auditOf(pool, 'billing.past')).at(-1)).toMatchObject({
      action: 'backfill_schedule',
      details: { submitted: 4, from: '2026-03-10T02:00:00.000Z' },
    });
    expect((await readSchedule(pool, 'billing.past')).next_at).toBe('2026-03-10T13:00:00.000Z');
  });

  test('follows the clocks of the zone', async () => {
    await put('billing.spring', { ...NIGHTLY, timezone: 'America/New_York' });
    const { body } = await backfill('billing.spring', { ...MARCH, dry_run: true });
    expect(body.tasks.map(({ local }: { local: string }) => local)).toEqual([
      '2026-03-05T02:30:00-05:00',
      '2026-03-06T02:30:00-05:00',
      '2026-03-07T02:30:00-05:00',
      '2026-03-08T03:00:00-04:00',
      '2026-03-09T02:30:00-04:00',
    ]);
  });

  test('as a dry run answers the same and writes nothing', async () => {
    await put('billing.dry', HOURLY);
    const before = await readSchedule(pool, 'billing.dry');
    const { body } = await backfill('billing.dry', {
      from: '2026-03-10T02:00:00Z',
      to: '2026-03-10T03:30:00Z',
      dry_run: true,
    });
    expect(body).toMatchObject({ dry_run: true, submitted: 2, message: '2 of 2 times would be submitted' });
    expect(body.tasks.map(({ task_id }: { task_id: unknown }) => task_id)).toEqual([null, null]);
    expect(await readSchedule(pool, 'billing.dry')).toEqual(before);
    expect(await timesOf(pool, 'billing.dry')).toEqual([]);
  });

  test('submits each time once, also when the tasks are gone, and those that were skipped', async () => {
    await put('billing.once', { ...HOURLY, cron: '* * * * *', overlap: 'skip' });
    await stopClock(pool, '2026-03-10T12:01:00Z');
    await handleDue(pool);
    await stopClock(pool, '2026-03-10T12:02:00Z');
    await handleDue(pool);
    expect((await readRuns(pool, 'billing.once')).map(({ outcome }) => outcome)).toEqual([
      'submitted',
      'skipped',
    ]);
    await pool.query(`delete from errand.tasks where schedule_id = 'billing.once'`);
    const range = { from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:02:00Z' };
    const first = await backfill('billing.once', range);
    expect(first.body).toMatchObject({ times: 3, submitted: 2, existing: 1 });
    const second = await backfill('billing.once', range);
    expect(second.body).toMatchObject({ times: 3, submitted: 0, existing: 3 });
    expect(await timesOf(pool, 'billing.once')).toEqual([
      '2026-03-10T12:00:00.000Z',
      '2026-03-10T12:02:00.000Z',
    ]);
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });

  test('asked for by many at one moment submits each time once', async () => {
    await put('billing.crowd', HOURLY);
    const range = { from: '2026-03-09T00:00:00Z', to: '2026-03-09T23:00:00Z' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => backfill('billing.crowd', range)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(answers.reduce((sum, { body }) => sum + body.submitted, 0)).toBe(24);
    expect(await timesOf(pool, 'billing.crowd')).toHaveLength(24);
    const { rows } = await pool.query(
      `select count(*) from errand.tasks where schedule_id = 'billing.crowd' and added_attempts > 0`,
    );
    expect(rows).toEqual([{ count: 0 }]);
  });

  test('leaves a time to the schedule that is due or waits at this moment', async () => {
    await put('billing.due', { ...HOURLY, cron: '* * * * *', overlap: 'queue_one' });
    await stopClock(pool, '2026-03-10T12:01:00Z');
    const range = { from: '2026-03-10T12:00:00Z', to: '2026-03-10T12:01:00Z' };
    expect((await backfill('billing.due', range)).body).toMatchObject({ times: 2, submitted: 1, pending: 1 });
    await handleDue(pool);
    const held = await backfill('billing.due', range);
    expect(held.body).toMatchObject({
      ...{ times: 2, submitted: 0, existing: 1, pending: 1 },
      message: '0 of 2 times were submitted, 1 had run before, 1 are handled by the schedule itself',
    });
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });

  test('beside firings at the same moments doubles nothing', async () => {
    await put('billing.race', { ...HOURLY, cron: '* * * * *', overlap: 'allow' });
    for (let minute = 1; minute <= 5; minute++) {
      await stopClock(pool, `2026-03-10T12:0${minute}:00Z`);
      const range = { from: '2026-03-10T12:01:00Z', to: `2026-03-10T12:0${minute}:00Z` };
      await Promise.all([handleDue(pool), backfill('billing.race', range), backfill('billing.race', range)]);
    }
    expect(await timesOf(pool, 'billing.race')).toEqual(
      [1, 2, 3, 4, 5].map((minute) => `2026-03-10T12:0${minute}:00.000Z`),
    );
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });

  test('submits the times of a pause, which its end then leaves alone', async () => {
    await put('billing.paused', { ...HOURLY, cron: '* * * * *' });
    await call('PUT', '/v1/schedules/billing.paused/pause');
    await stopClock(pool, '2026-03-10T12:03:00Z');
    const range = { from: '2026-03-10T12:01:00Z', to: '2026-03-10T12:02:00Z' };
    expect((await backfill('billing.paused', range)).body).toMatchObject({ submitted: 2 });
    await call('PUT', '/v1/schedules/billing.paused/resume');
    expect((await backfill('billing.paused', range)).body).toMatchObject({ submitted: 0, existing: 2 });
    const explained = await call('GET', '/v1/schedules/billing.paused/explain?at=2026-03-10T12:02:00Z');
    expect(explained.body.status).toBe('ran');
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });
});

describe('a backfill is refused', () => {
  test.each([
    ['of the future', { from: '2026-03-10T11:00:00Z', to: '2026-03-10T12:00:01Z' }, '/body/to', /after now/],
    [
      'that ends before it begins',
      { from: '2026-03-10T11:00:00Z', to: '2026-03-10T10:00:00Z' },
      '/body/to',
      /before from/,
    ],
    [
      'of too many times',
      { from: '2025-01-01T00:00:00Z', to: '2026-03-01T00:00:00Z' },
      '/body/to',
      /more than 1000 times: send at most 2025-02-11T15:00:00.000Z/,
    ],
    ['without a range', {}, '/body/from', /is required/],
    [
      'with a time that is wrong',
      { from: 'yesterday', to: '2026-03-10T10:00:00Z' },
      '/body/from',
      /date-time/,
    ],
    [
      'with a year before 1970',
      { from: '1900-01-01T00:00:00Z', to: '2026-03-10T10:00:00Z' },
      '/body/from',
      /1970/,
    ],
    [
      'with an unknown field',
      { from: '2026-03-10T11:00:00Z', to: '2026-03-10T11:00:00Z', force: true },
      '/body/force',
      /not a known/,
    ],
  ])('%s', async (_what, body, path, message) => {
    await put('billing.refused', HOURLY);
    const answer = await backfill('billing.refused', body);
    expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
    expect(answer.body.details).toContainEqual({ path, message: expect.stringMatching(message) });
    expect(await timesOf(pool, 'billing.refused')).toEqual([]);
  });

  test('of times that it is no longer known of, unless it says that they may run again', async () => {
    const short = await startApi(pool, { config: testConfig({ SCHEDULE_HISTORY_DAYS: '1' }) });
    await put('billing.forgotten', HOURLY);
    await pool.query(
      `update errand.schedules set created_at = '2026-03-08T03:30:00Z' where id = 'billing.forgotten'`,
    );
    const ask = (body: object) => short.call('POST', '/v1/schedules/billing.forgotten/backfill', body);
    const range = { from: '2026-03-08T02:00:00Z', to: '2026-03-08T05:00:00Z' };
    const refused = await ask(range);
    expectError(refused, {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: [
        { path: '/body/repeat', message: expect.stringMatching(/which of 2 times before 2026-03-09/) },
      ],
    });
    // Before it was made nothing can have run, and after the start of the history it is known.
    expect((await ask({ from: range.from, to: '2026-03-08T03:00:00Z' })).body.submitted).toBe(2);
    expect((await ask({ from: '2026-03-09T13:00:00Z', to: '2026-03-09T14:00:00Z' })).body.submitted).toBe(2);
    expect((await ask({ ...range, repeat: true })).body).toMatchObject({ submitted: 2, existing: 2 });
  });

  test('whose payloads would be too much for one statement', async () => {
    await put('billing.large', { ...HOURLY, payload: { customer: 'x'.repeat(1_000_000) } });
    const answer = await backfill('billing.large', {
      from: '2026-03-05T00:00:00Z',
      to: '2026-03-08T00:00:00Z',
    });
    expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
    expect(answer.body.details[0].message).toMatch(/send 49 times at once/);
    expect(await timesOf(pool, 'billing.large')).toEqual([]);
  });

  test('of a broken or unknown schedule, and for whom may not', async () => {
    await put('billing.broken', HOURLY);
    await pool.query(`update errand.schedules set broken = 'no', due_at = null where id = 'billing.broken'`);
    const range = { from: '2026-03-10T02:00:00Z', to: '2026-03-10T03:00:00Z' };
    expectError(await backfill('billing.broken', range), { status: 409, code: 'CONFLICT' });
    expectError(await backfill('billing.nothing', range), { status: 404, code: 'NOT_FOUND' });
    const path = '/v1/schedules/billing.broken/backfill';
    for (const who of ['eve of example', 'eve of billing may read,submit'])
      expectError(await api.guarded.call('POST', path, range, as(who)), { status: 403, code: 'FORBIDDEN' });
  });
});
