import { describe, expect, test } from 'vitest';
import { handleDue, stopClock } from '../../../support/schedule_clock.ts';
import { readSchedule } from '../../../support/schedules.ts';
import { expectError } from '../ledger.ts';
import { as } from '../principals.ts';
import { auditOf, NIGHTLY, startScheduleApi, timesOf } from './schedules.ts';

const api = await startScheduleApi();
const { pool, put, call } = api;
await stopClock(pool, '2026-03-10T12:00:00Z');

const trigger = (id: string, body?: unknown, headers?: Record<string, string>) =>
  call('POST', `/v1/schedules/${id}/trigger`, body, headers);

describe('POST /v1/schedules/{schedule_id}/trigger', () => {
  test('submits one task now, in the name of the caller, and moves nothing', async () => {
    await put('billing.now', { ...NIGHTLY, tags: ['nightly'], priority: 4 });
    const before = await readSchedule(pool, 'billing.now');
    const { status, body, headers } = await trigger('billing.now', { reason: 'to see it' });
    expect([status, body.created, headers.get('location')]).toEqual([201, true, `/v1/tasks/${body.task.id}`]);
    expect(body.task).toMatchObject({
      ...{ name: 'billing.send_invoice', payload: { customer: 'c-1' }, state: 'queued', tags: ['nightly'] },
      ...{ priority: 4, submitted_by: 'anonymous', initiator: 'anonymous', reason: 'to see it' },
      ...{ schedule_id: 'billing.now', scheduled_for: '2026-03-10T12:00:00.000Z', dedup: null },
    });
    expect(await readSchedule(pool, 'billing.now')).toEqual(before);
    const runs = await call('GET', '/v1/schedules/billing.now/runs');
    expect(runs.body.runs).toMatchObject([
      { cause: 'trigger', outcome: 'submitted', task: { id: body.task.id, state: 'queued' } },
    ]);
    expect((await auditOf(pool, 'billing.now')).at(-1)).toMatchObject({
      action: 'trigger_schedule',
      reason: 'to see it',
      hasTask: true,
    });
  });

  test('submits each time that it is asked, though a task is open, and while the schedule is paused', async () => {
    await put('billing.more', NIGHTLY);
    await call('PUT', '/v1/schedules/billing.more/pause');
    const ids = [await trigger('billing.more'), await trigger('billing.more', {})].map(
      ({ body }) => body.task.id,
    );
    expect(new Set(ids).size).toBe(2);
  });

  test('at the very moment of a time does not take its place', async () => {
    await put('billing.moment', { ...NIGHTLY, cron: '1 12 * * *', timezone: 'UTC', overlap: 'allow' });
    await stopClock(pool, '2026-03-10T12:01:00Z');
    await trigger('billing.moment');
    await handleDue(pool);
    expect(await timesOf(pool, 'billing.moment')).toHaveLength(2);
    const explained = await call('GET', '/v1/schedules/billing.moment/explain?at=2026-03-10T12:01:00Z');
    expect(explained.body).toMatchObject({
      status: 'ran',
      run: { scheduled_for: '2026-03-10T12:01:00.000Z' },
    });
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });

  test('with a repeated Idempotency-Key gives the same task, of this schedule alone', async () => {
    await put('billing.key', NIGHTLY);
    await put('billing.other_key', NIGHTLY);
    const key = { 'idempotency-key': 'k-1' };
    const first = await trigger('billing.key', {}, key);
    const second = await trigger('billing.key', {}, key);
    expect([second.status, second.body.created, second.body.task.id]).toEqual([
      200,
      false,
      first.body.task.id,
    ]);
    const other = await trigger('billing.other_key', {}, key);
    expect([other.status, other.body.task.id === first.body.task.id]).toEqual([201, false]);
    expect(await timesOf(pool, 'billing.key')).toHaveLength(1);
    await put('billing.key', { ...NIGHTLY, payload: { customer: 'c-2' } });
    const conflict = await trigger('billing.key', {}, key);
    expectError(conflict, { status: 409, code: 'CONFLICT' });
    expect(conflict.body.error).toMatch(/already used when billing.key had another payload/);
  });

  test('many times at one moment with one key makes one task', async () => {
    await put('billing.crowd', NIGHTLY);
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => trigger('billing.crowd', {}, { 'idempotency-key': 'k' })),
    );
    expect(new Set(answers.map(({ body }) => body.task.id)).size).toBe(1);
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await timesOf(pool, 'billing.crowd')).toHaveLength(1);
  });

  test('is refused for a broken schedule, an unknown one, and for whom may not', async () => {
    await put('billing.broken', NIGHTLY);
    await pool.query(
      `update errand.schedules set broken = 'its payload does not fit', due_at = null where id = 'billing.broken'`,
    );
    const broken = await trigger('billing.broken');
    expectError(broken, { status: 409, code: 'CONFLICT' });
    expect(broken.body.error).toBe(
      'The schedule billing.broken is broken: its payload does not fit. Mend it first',
    );
    expectError(await trigger('billing.nothing'), { status: 404, code: 'NOT_FOUND' });
    expectError(await trigger('billing.broken', { force: true }), {
      status: 400,
      code: 'VALIDATION_FAILED',
      details: 'some',
    });
    const path = '/v1/schedules/billing.broken/trigger';
    for (const who of ['eve of example', 'eve of billing may read,submit'])
      expectError(await api.guarded.call('POST', path, {}, as(who)), { status: 403, code: 'FORBIDDEN' });
    expect(await timesOf(pool, 'billing.broken')).toEqual([]);
  });
});
