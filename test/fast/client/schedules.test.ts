import { expect, test } from 'vitest';
import { ConflictError, NotFoundError, ValidationError } from '../../../client/index.ts';
import { createDatabase } from '../../support/database.ts';
import { storeSchedule } from '../../support/schedules.ts';
import { clientOf, startRegisteredApi } from './clients.ts';
import { startProxy } from './proxy.ts';

const { pool } = await createDatabase();
const api = await startRegisteredApi(pool);
const { schedules } = clientOf(api.url);

const NIGHTLY = {
  task: 'example.echo',
  payload: { message: 'snake_case keys stay' },
  cron: '30 2 * * *',
  timezone: 'Europe/Berlin',
} as const;

test('a schedule is made, changed, read, sent back as it was read, and removed', async () => {
  const made = await schedules.put('example.nightly', { ...NIGHTLY, catchUpMax: 7, maxAttempts: 3 });
  expect(made).toMatchObject({
    ...{ created: true, changed: true, state: 'active', inWords: 'every day at 02:30 in Europe/Berlin' },
    settings: { catchUpMax: 7, maxAttempts: 3, everySeconds: null, payload: NIGHTLY.payload },
  });
  const record = await schedules.get('example.nightly');
  expect(record).toMatchObject({ lastRuns: [], skipped: { overlap: 0 }, nextAt: made.nextAt });
  expect(record.nextTimes).toHaveLength(10);
  const same = await schedules.put('example.nightly', {
    ...record.settings,
    task: 'example.echo',
    payload: NIGHTLY.payload,
  });
  expect([same.created, same.changed]).toEqual([false, false]);
  const dry = await schedules.put('example.nightly', { ...NIGHTLY, cron: '0 3 * * *' }, { dryRun: true });
  expect([dry.changed, dry.settings.cron]).toEqual([true, '0 3 * * *']);
  expect((await schedules.get('example.nightly')).settings.cron).toBe('30 2 * * *');
  expect(await schedules.delete('example.nightly')).toMatchObject({ id: 'example.nightly' });
  await expect(schedules.get('example.nightly')).rejects.toThrow(NotFoundError);
});

test('dates are moments, and problems come with their places', async () => {
  const at = new Date('2099-01-01T00:00:00Z');
  const { nextAt } = await schedules.put('example.once', {
    task: 'example.echo',
    payload: { message: 'a' },
    at,
  });
  expect(nextAt).toBe(at.toISOString());
  const refused = schedules.put('example.bad', { ...NIGHTLY, everySeconds: 60 });
  await expect(refused).rejects.toThrow(ValidationError);
  await expect(refused).rejects.toMatchObject({ details: [{ path: '/body' }] });
});

test('it is paused and resumed with a reason', async () => {
  await schedules.put('example.paused', NIGHTLY);
  const paused = await schedules.pause('example.paused', { reason: 'holidays' });
  expect(paused).toMatchObject({ state: 'paused', changed: true, paused: { reason: 'holidays' } });
  expect(await schedules.resume('example.paused')).toMatchObject({ state: 'active', changed: true });
});

test('a trigger gives one task for each call, though its answer gets lost', async () => {
  await schedules.put('example.triggered', NIGHTLY);
  const proxy = await startProxy(api.url);
  let toLose = 1;
  proxy.decide = () => (toLose-- > 0 ? 'lose-answer' : 'pass');
  const task = await clientOf(proxy.url).schedules.trigger('example.triggered', { reason: 'to see' });
  expect(task).toMatchObject({ scheduleId: 'example.triggered', reason: 'to see', name: 'example.echo' });
  await schedules.trigger('example.triggered');
  const found: string[] = [];
  for await (const { id } of clientOf(api.url).list({ scheduleId: 'example.triggered' })) found.push(id);
  expect(found).toHaveLength(2);
  expect(found).toContain(task.id);
});

test('a backfill submits times once, and the history has them, page by page', async () => {
  await schedules.put('example.filled', { ...NIGHTLY, cron: '0 * * * *', timezone: 'UTC' });
  const range = { from: new Date('2026-03-01T00:00:00Z'), to: '2026-03-01T05:00:00Z' };
  const dry = await schedules.backfill('example.filled', { ...range, dryRun: true });
  expect(dry).toMatchObject({ dryRun: true, submitted: 6 });
  const filled = await schedules.backfill('example.filled', range);
  expect(filled).toMatchObject({ times: 6, submitted: 6, existing: 0 });
  expect(await schedules.backfill('example.filled', range)).toMatchObject({ submitted: 0, existing: 6 });
  const times: string[] = [];
  for await (const run of schedules.runs('example.filled', { pageSize: 2, from: range.from }))
    times.push(run.scheduledFor);
  expect(times).toEqual(filled.tasks.map(({ scheduledFor }) => scheduledFor).toReversed());
  const explained = await schedules.explain('example.filled', { at: range.from });
  expect(explained).toMatchObject({ status: 'ran', run: { isBackfill: true } });
  expect((await schedules.explain('example.filled')).openTasks.length).toBeGreaterThan(0);
});

test('a list goes over all pages', async () => {
  for (let index = 10; index < 22; index++) await storeSchedule(pool, { id: `listed.n${index}` });
  const found: string[] = [];
  for await (const { id, settings } of schedules.list({ namespace: 'listed', pageSize: 5 })) {
    expect(settings).not.toHaveProperty('payload');
    found.push(id);
  }
  expect(found).toEqual(Array.from({ length: 12 }, (_, index) => `listed.n${index + 10}`));
});

test('a preview says in words what a timing means', async () => {
  const { inWords, nextTimes } = await schedules.preview({ everySeconds: 90 });
  expect([inWords, nextTimes.length]).toEqual(['every 1 minute and 30 seconds', 10]);
});

test('a removal whose answer gets lost has happened', async () => {
  await schedules.put('example.lost', NIGHTLY);
  const proxy = await startProxy(api.url);
  let toLose = 1;
  proxy.decide = () => (toLose-- > 0 ? 'lose-answer' : 'pass');
  expect((await clientOf(proxy.url).schedules.delete('example.lost')).message).toMatch(/answer was lost/);
  await expect(schedules.delete('example.lost')).rejects.toThrow(NotFoundError);
  await storeSchedule(pool, { id: 'example.in_code' });
  await pool.query(`update errand.schedules set origin = 'code' where id = 'example.in_code'`);
  await pool.query(
    `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, schedules)
     values ('here', 1, 'test', '{}', 1, 15, '{example.in_code}')`,
  );
  await expect(schedules.delete('example.in_code')).rejects.toThrow(ConflictError);
});
