import { beforeEach, describe, expect, test } from 'vitest';
import { handleDue, stopClock } from '../../../support/schedule_clock.ts';
import { readRuns, readSchedule } from '../../../support/schedules.ts';
import { expectError } from '../ledger.ts';
import { as } from '../principals.ts';
import { auditOf, startScheduleApi, timesOf } from './schedules.ts';

const api = await startScheduleApi();
const { pool, put, call } = api;

const MINUTES = {
  task: 'billing.send_invoice',
  payload: { customer: 'c-1' },
  every_seconds: 60,
  overlap: 'allow',
};
const at = (time: string): string => `2026-03-10T${time}.000Z`;
const change = (id: string, what: string) => call('PUT', `/v1/schedules/${id}/${what}`);

beforeEach(() => stopClock(pool, at('12:00:30')));

describe('a pause', () => {
  test('stops the times, is shown with its reason, and is told once', async () => {
    await put('billing.paused', MINUTES);
    const paused = await change('billing.paused', 'pause?reason=broken%20printer');
    expect(paused).toMatchObject({
      status: 200,
      body: {
        changed: true,
        message: 'billing.paused is paused: its times are skipped until it is resumed',
        schedule: {
          state: 'paused',
          next_at: null,
          paused: { at: at('12:00:30'), actor: 'anonymous', reason: 'broken printer' },
        },
      },
    });
    const again = await change('billing.paused', 'pause?reason=other');
    expect(again.body).toMatchObject({ changed: false, schedule: { paused: { reason: 'broken printer' } } });
    await stopClock(pool, at('12:05:00'));
    await handleDue(pool);
    expect(await timesOf(pool, 'billing.paused')).toEqual([]);
    expect((await auditOf(pool, 'billing.paused')).map(({ action }) => action)).toEqual([
      'put_schedule',
      'pause_schedule',
    ]);
  });

  test('leaves its times out when it ends, as one entry of the history, and goes on with the next', async () => {
    await put('billing.resumed', MINUTES);
    await change('billing.resumed', 'pause');
    await stopClock(pool, at('12:05:10'));
    const { body } = await change('billing.resumed', 'resume?reason=mended');
    expect(body).toMatchObject({
      changed: true,
      message: 'billing.resumed is resumed: it runs next at 2026-03-10T12:06:00+00:00',
      schedule: { state: 'active', next_at: at('12:06:00'), last_at: at('12:05:00'), paused: null },
    });
    expect(await readRuns(pool, 'billing.resumed')).toMatchObject([
      {
        outcome: 'skipped',
        reason: 'paused',
        scheduled_for: at('12:01:00'),
        until: at('12:05:00'),
        times: 5,
      },
    ]);
    await stopClock(pool, at('12:06:00'));
    await handleDue(pool);
    expect(await timesOf(pool, 'billing.resumed')).toEqual([at('12:06:00')]);
    expect((await change('billing.resumed', 'resume')).body).toMatchObject({
      changed: false,
      message: expect.stringMatching(/^billing.resumed was not paused/),
    });
    expect((await auditOf(pool, 'billing.resumed')).at(-1)).toMatchObject({
      action: 'resume_schedule',
      reason: 'mended',
      details: { skipped: 5 },
    });
  });

  test('that no time falls into leaves no entry', async () => {
    await put('billing.short', MINUTES);
    await change('billing.short', 'pause');
    await change('billing.short', 'resume');
    expect(await readRuns(pool, 'billing.short')).toEqual([]);
    expect(await readSchedule(pool, 'billing.short')).toMatchObject({ due_at: at('12:01:00') });
  });

  test('outlives a change, also one of the timing, which tells what it left out until then', async () => {
    await put('billing.kept', MINUTES);
    await change('billing.kept', 'pause');
    await stopClock(pool, at('12:03:00'));
    const { body } = await put('billing.kept', { ...MINUTES, every_seconds: 600 });
    expect(body.schedule.state).toBe('paused');
    expect(await readRuns(pool, 'billing.kept')).toMatchObject([
      { reason: 'paused', scheduled_for: at('12:01:00'), until: at('12:03:00'), times: 3 },
    ]);
    await stopClock(pool, at('12:25:00'));
    await change('billing.kept', 'resume');
    expect((await readRuns(pool, 'billing.kept')).at(-1)).toMatchObject({
      reason: 'paused',
      scheduled_for: at('12:10:00'),
      until: at('12:20:00'),
      times: 2,
    });
  });

  test('of a broken schedule ends without making it due', async () => {
    await put('billing.both', MINUTES);
    await pool.query(
      `update errand.schedules set broken = 'no', due_at = null, revision = revision + 1 where id = 'billing.both'`,
    );
    await change('billing.both', 'pause');
    const { body } = await change('billing.both', 'resume');
    expect(body).toMatchObject({ changed: true, schedule: { state: 'broken', paused: null } });
    expect(await readSchedule(pool, 'billing.both')).toMatchObject({ due_at: null });
  });

  test('of years is too long to count', async () => {
    await put('billing.years', { ...MINUTES, every_seconds: 1 });
    await change('billing.years', 'pause');
    await stopClock(pool, '2029-01-01T00:00:00Z');
    await change('billing.years', 'resume');
    expect(await readRuns(pool, 'billing.years')).toMatchObject([
      { reason: 'paused', until: '2029-01-01T00:00:00.000Z', times: null },
    ]);
    const { body } = await call('GET', '/v1/schedules/billing.years');
    expect([body.last_runs[0].message, body.skipped.paused]).toEqual([
      'More than 1,000 times from 2026-03-10T12:00:31+00:00 to 2029-01-01T00:00:00+00:00 were skipped: the schedule was paused',
      1_000,
    ]);
  });
});

test('many that pause and resume at one moment leave a schedule that goes on', async () => {
  await put('billing.fought', MINUTES);
  await Promise.all(
    Array.from({ length: 10 }, (_, index) => change('billing.fought', index % 2 ? 'pause' : 'resume')),
  );
  await change('billing.fought', 'resume');
  expect(await readSchedule(pool, 'billing.fought')).toMatchObject({ due_at: at('12:01:00') });
});

test('only who may operate in its namespace pauses and resumes', async () => {
  await put('billing.guarded', MINUTES);
  for (const what of ['pause', 'resume']) {
    const path = `/v1/schedules/billing.guarded/${what}`;
    for (const who of ['eve of example', 'eve of billing may read,submit']) {
      expectError(await api.guarded.call('PUT', path, undefined, as(who)), {
        status: 403,
        code: 'FORBIDDEN',
      });
    }
    expectError(await call('PUT', `/v1/schedules/billing.nothing/${what}`), {
      status: 404,
      code: 'NOT_FOUND',
    });
  }
});
