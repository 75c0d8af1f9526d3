import { describe, expect, test } from 'vitest';
import { handleDue, stopClock } from '../../../support/schedule_clock.ts';
import { storeSchedule } from '../../../support/schedules.ts';
import { expectError } from '../ledger.ts';
import { as } from '../principals.ts';
import { NIGHTLY, startScheduleApi } from './schedules.ts';

const api = await startScheduleApi();
const { pool, put, call } = api;
await stopClock(pool, '2026-03-10T12:00:00Z');

type Listed = { id: string };
const ids = ({ body }: { body: { schedules: Listed[] } }): string[] => body.schedules.map(({ id }) => id);
const list = (query = '') => call('GET', `/v1/schedules${query}`);

describe('GET /v1/schedules', () => {
  test('gives pages by id, without payloads', async () => {
    for (let index = 10; index < 35; index++) await storeSchedule(pool, { id: `example.n${index}` });
    const found: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await list(`?page_size=10${cursor && `&cursor=${cursor}`}`);
      found.push(...body.schedules.map(({ id }: Listed) => id));
      for (const { settings } of body.schedules) expect(settings).not.toHaveProperty('payload');
      cursor = body.next_cursor;
    }
    expect(found).toEqual(Array.from({ length: 25 }, (_, index) => `example.n${index + 10}`));
    expect((await list('?page_size=25')).body.next_cursor).toBeNull();
  });

  test('filters by namespace, task, state and origin', async () => {
    await put('billing.active', NIGHTLY);
    await put('billing.paused', NIGHTLY);
    await call('PUT', '/v1/schedules/billing.paused/pause');
    await storeSchedule(pool, { id: 'billing.broken', task: 'example.sleep', broken: 'no' });
    await storeSchedule(pool, { id: 'billing.ended' });
    await storeSchedule(pool, { id: 'billing.held', heldFor: '2026-03-10T11:00:00Z' });
    await pool.query(
      `update errand.schedules set next_at = null, due_at = null where id in ('billing.ended', 'billing.held')`,
    );
    await pool.query(`update errand.schedules set origin = 'code' where id = 'billing.ended'`);
    const inBilling = (query: string) => list(`?namespace=billing&${query}`).then(ids);
    expect(await inBilling('page_size=2')).toEqual(['billing.active', 'billing.broken']);
    expect(await inBilling('state=active')).toEqual(['billing.active', 'billing.held']);
    expect(await inBilling('state=paused')).toEqual(['billing.paused']);
    expect(await inBilling('state=broken')).toEqual(['billing.broken']);
    expect(await inBilling('state=ended')).toEqual(['billing.ended']);
    expect(await inBilling('origin=code')).toEqual(['billing.ended']);
    expect(ids(await list('?task=example.sleep'))).toEqual(['billing.broken']);
    expect(ids(await list('?task=billing.send_invoice&state=paused&origin=api'))).toEqual(['billing.paused']);
    expect(ids(await list('?namespace=bill'))).toEqual([]);
  });

  test('gives to each caller only what it may see, over the pages too', async () => {
    const guarded = (query: string, who: string) =>
      api.guarded.call('GET', `/v1/schedules${query}`, undefined, as(who));
    expect(ids(await guarded('', 'ann of billing'))).toHaveLength(5);
    expect(ids(await guarded('?namespace=example', 'ann of billing'))).toEqual([]);
    const both = await guarded('?page_size=4', 'ann of example,billing,nothing');
    expect(ids(both).at(-1)).toBe('billing.held');
    const next = await guarded(`?page_size=4&cursor=${both.body.next_cursor}`, 'ann of example,billing');
    expect(ids(next)).toEqual(['billing.paused', 'example.n10', 'example.n11', 'example.n12']);
    expect(ids(await guarded('', 'ann of '.padEnd(8, 'x')))).toEqual([]);
  });

  test('refuses a cursor that it cannot read', async () => {
    for (const cursor of ['x', 'YQ', Buffer.from('example.n1\0').toString('base64url')]) {
      expectError(await list(`?cursor=${cursor}`), {
        status: 400,
        code: 'VALIDATION_FAILED',
        details: [{ path: '/query/cursor', message: expect.stringMatching(/is not a cursor/) }],
      });
    }
  });

  test('shows a schedule whose settings nobody can read, and one whose zone nobody knows', async () => {
    await storeSchedule(pool, { id: 'odd.unreadable' });
    await storeSchedule(pool, {
      id: 'odd.zone',
      cron: '0 2 * * *',
      timezone: 'Nowhere/City',
      broken: 'no zone',
    });
    await pool.query(`update errand.schedules set settings = '{"cron": 7}' where id = 'odd.unreadable'`);
    const { status, body } = await list('?namespace=odd');
    expect([status, body.schedules.map(({ in_words }: { in_words: string }) => in_words)]).toEqual([
      200,
      ['its timing cannot be read', 'every day at 02:00 in Nowhere/City'],
    ]);
    for (const id of ['odd.unreadable', 'odd.zone']) {
      const one = await call('GET', `/v1/schedules/${id}`);
      expect([id, one.status]).toEqual([id, 200]);
      const range = { from: '2026-03-10T02:00:00Z', to: '2026-03-10T03:00:00Z' };
      expect((await call('POST', `/v1/schedules/${id}/backfill`, range)).status).toBe(409);
      for (const change of ['pause', 'resume'])
        expect((await call('PUT', `/v1/schedules/${id}/${change}`)).status).toBe(200);
      await pool.query(
        `insert into errand.schedule_runs (schedule_id, scheduled_for, outcome) values ($1, now(), 'submitted')`,
        [id],
      );
      expect((await call('GET', `/v1/schedules/${id}/runs`)).status).toBe(200);
      const explained = await call('GET', `/v1/schedules/${id}/explain`);
      expect([explained.status, explained.body.summary]).toEqual([
        200,
        expect.stringMatching(`^${id} does not run: `),
      ]);
    }
  });
});

describe('GET /v1/schedules/{schedule_id}', () => {
  test('has its settings, its next times and its newest history with the states of the tasks', async () => {
    await put('billing.record', { ...NIGHTLY, cron: '*/10 * * * *' });
    for (const minute of ['10', '20']) {
      await stopClock(pool, `2026-03-10T12:${minute}:00Z`);
      await handleDue(pool);
    }
    const { status, body } = await call('GET', '/v1/schedules/billing.record');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      ...{ state: 'active', last_at: '2026-03-10T12:20:00.000Z', next_at: '2026-03-10T12:30:00.000Z' },
      settings: { payload: { customer: 'c-1' }, cron: '*/10 * * * *' },
      last_runs: [
        {
          ...{ scheduled_for: '2026-03-10T12:20:00.000Z', outcome: 'skipped', reason: 'overlap', times: 1 },
          message: expect.stringMatching(/^2026-03-10T13:20:00\+01:00 was skipped: task .* had not ended$/),
        },
        {
          ...{ scheduled_for: '2026-03-10T12:10:00.000Z', outcome: 'submitted', reason: null, cause: 'time' },
          ...{
            task: { state: 'queued' },
            message: '2026-03-10T13:10:00+01:00 was submitted: its task is queued',
          },
        },
      ],
      skipped: { overlap: 1, missed: 0, paused: 0, broken: 0, replaced: 0 },
    });
    expect(body.next_times.slice(0, 2)).toEqual([
      { at: '2026-03-10T12:30:00.000Z', local: '2026-03-10T13:30:00+01:00' },
      { at: '2026-03-10T12:40:00.000Z', local: '2026-03-10T13:40:00+01:00' },
    ]);
    await pool.query(`delete from errand.tasks where schedule_id = 'billing.record'`);
    const later = await call('GET', '/v1/schedules/billing.record');
    expect(later.body.last_runs[1]).toMatchObject({
      task: { state: null },
      message: '2026-03-10T13:10:00+01:00 was submitted: its task was removed',
    });
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });

  test('begins its next times with the one that is due and not handled', async () => {
    await put('billing.due', { ...NIGHTLY, cron: '*/10 * * * *' });
    await stopClock(pool, '2026-03-10T12:35:00Z');
    const { body } = await call('GET', '/v1/schedules/billing.due');
    expect(body.next_times.map(({ at }: { at: string }) => at).slice(0, 2)).toEqual([
      '2026-03-10T12:10:00.000Z',
      '2026-03-10T12:40:00.000Z',
    ]);
    expect(body.next_times).toHaveLength(10);
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });

  test('is 404 for one that there is not, and for a foreign one in the same words', async () => {
    const unknown = await call('GET', '/v1/schedules/billing.nothing');
    expectError(unknown, { status: 404, code: 'NOT_FOUND' });
    for (const path of ['', '/runs', '/explain']) {
      for (const id of ['billing.nothing', 'billing.record']) {
        const foreign = await api.guarded.call(
          'GET',
          `/v1/schedules/${id}${path}`,
          undefined,
          as('eve of example'),
        );
        expect([foreign.status, foreign.body.error]).toEqual([
          404,
          `There is no schedule ${id}: see GET /v1/schedules for all of them`,
        ]);
      }
    }
    expect((await call('GET', '/v1/schedules/no-id')).status).toBe(400);
  });
});

describe('POST /v1/schedules/preview', () => {
  const preview = (timing: unknown) => call('POST', '/v1/schedules/preview', timing);

  test('says what a timing means, and computes its next times over the spring night', async () => {
    await stopClock(pool, '2026-03-27T12:00:00Z');
    const { status, body } = await preview({ cron: '30 2 * * *', timezone: 'Europe/Berlin' });
    expect([status, body.in_words]).toEqual([200, 'every day at 02:30 in Europe/Berlin']);
    expect(body.next_times.slice(0, 3).map(({ local }: { local: string }) => local)).toEqual([
      '2026-03-28T02:30:00+01:00',
      '2026-03-29T03:00:00+02:00',
      '2026-03-30T02:30:00+02:00',
    ]);
    expect((await preview({ every_seconds: 90 })).body.in_words).toBe('every 1 minute and 30 seconds');
    await stopClock(pool, '2026-03-10T12:00:00Z');
  });

  test.each([
    [{}, '/body'],
    [{ cron: '60 * * * *' }, '/body/cron'],
    [{ cron: 7 }, '/body/cron'],
    [{ every_seconds: 60, jitter_seconds: -1 }, '/body/jitter_seconds'],
    [{ at: '2020-01-01T00:00:00Z' }, '/body/at'],
    [{ every_seconds: 60, task: 'example.echo' }, '/body/task'],
    [[], '/body'],
  ])('refuses %j', async (timing, path) => {
    const answer = await preview(timing);
    expectError(answer, { status: 400, code: 'VALIDATION_FAILED', details: 'some' });
    expect(answer.body.details.map((one: { path: string }) => one.path)).toContain(path);
  });
});
