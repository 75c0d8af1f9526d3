import { describe, expect, test } from 'vitest';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { handleDue, stopClock } from '../../../support/schedule_clock.ts';
import { expectError } from '../ledger.ts';
import { NIGHTLY, startScheduleApi } from './schedules.ts';

const { pool, put, call } = await startScheduleApi();
await stopClock(pool, '2026-03-20T12:00:00Z');

async function explain(id: string, at?: string) {
  const { body } = await call('GET', `/v1/schedules/${id}/explain${at === undefined ? '' : `?at=${at}`}`);
  return body;
}

describe('GET /v1/schedules/{schedule_id}/explain', () => {
  test('tells why it did not run at 02:30: an earlier run had not ended', async () => {
    await put('billing.nightly', NIGHTLY);
    for (const time of ['2026-03-21T01:30:00Z', '2026-03-22T01:30:00Z']) {
      await stopClock(pool, time);
      await handleDue(pool);
    }
    const ran = await explain('billing.nightly', '2026-03-21T02:30');
    expect(ran).toMatchObject({ status: 'ran', run: { task: { state: 'queued' }, outcome: 'submitted' } });
    const skipped = await explain('billing.nightly', '2026-03-22T02:30:00%2B01:00');
    expect(skipped).toMatchObject({
      status: 'skipped',
      run: { reason: 'overlap', task: ran.run.task },
      asked: { at: '2026-03-22T01:30:00.000Z', local: '2026-03-22T02:30:00+01:00', clock: 'once' },
      open_tasks: [ran.run.task],
    });
    expect(skipped.summary).toMatch(/was skipped: task .* of an earlier run had not ended/);
  });

  test('reads local times in the zone of the schedule, in the spring night too', async () => {
    const spring = await explain('billing.nightly', '2026-03-29T02:30');
    expect(spring).toMatchObject({
      status: 'scheduled',
      asked: { at: '2026-03-29T01:00:00.000Z', clock: 'never' },
      next: { local: '2026-03-23T02:30:00+01:00' },
    });
    expect(spring.summary).toMatch(/^2026-03-29T02:30 does not exist in Europe\/Berlin/);
    const autumn = await explain('billing.nightly', '2026-10-25T02:30');
    expect(autumn.asked).toMatchObject({ clock: 'twice', second: { at: '2026-10-25T01:30:00.000Z' } });
  });

  test('tells what is no time of it, what was before it, and what is due without a runner', async () => {
    expect(await explain('billing.nightly', '2026-03-22T02:31')).toMatchObject({
      status: 'not_a_time',
      nearest: { before: { at: '2026-03-22T01:30:00.000Z' }, after: { at: '2026-03-23T01:30:00.000Z' } },
    });
    expect((await explain('billing.nightly', '2026-03-19T02:30')).status).toBe('before_creation');
    await stopClock(pool, '2026-03-23T01:30:00Z');
    expect((await explain('billing.nightly', '2026-03-23T02:30')).status).toBe('no_runner');
    expect((await explain('billing.nightly')).status).toBe('no_runner');
    const up = { host: 'a', pid: 1, version: '1', taskNames: [], concurrency: 1, leaseSecs: 3_600 };
    await registerRunner(pool, up);
    expect((await explain('billing.nightly')).status).toBe('due');
  });

  test('tells that times were left out by a pause, each of the range', async () => {
    await put('billing.paused', { ...NIGHTLY, cron: '0 * * * *' });
    await call('PUT', '/v1/schedules/billing.paused/pause?reason=audit');
    const paused = await explain('billing.paused');
    expect([paused.status, paused.summary]).toEqual(['paused', expect.stringMatching(/because: audit/)]);
    await stopClock(pool, '2026-03-23T05:30:00Z');
    await call('PUT', '/v1/schedules/billing.paused/resume');
    for (const hour of ['02', '04', '05']) {
      expect(await explain('billing.paused', `2026-03-23T${hour}:00:00Z`)).toMatchObject({
        status: 'skipped',
        run: { reason: 'paused', times: 4, scheduled_for: '2026-03-23T02:00:00.000Z' },
      });
    }
    expect((await explain('billing.paused', '2026-03-23T06:00:00Z')).status).toBe('scheduled');
  });

  test.each(['yesterday', '2026-02-30T02:30', '1900-01-01T00:00:00Z', '2026-01-01', '02:30'])(
    'refuses %s',
    async (at) => {
      const answer = await call('GET', `/v1/schedules/billing.nightly/explain?at=${at}`);
      expectError(answer, {
        status: 400,
        code: 'VALIDATION_FAILED',
        details: [
          { path: '/query/at', message: expect.stringMatching(/or 2026-03-29T02:30 in Europe\/Berlin/) },
        ],
      });
    },
  );
});
