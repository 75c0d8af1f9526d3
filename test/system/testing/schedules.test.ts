import { Pool } from 'pg';
import { expect, inject, test } from 'vitest';
import { z } from 'zod';
import { defineSchedule, type ScheduleDefinition } from '../../../core/schedules/schedule.ts';
import { defineHandler, defineTask, type Handler } from '../../../core/task.ts';
import { listTasks } from '../../../core/task_list.ts';
import { defineSteps, defineWorkflow, step } from '../../../core/workflow.ts';
import { startTestErrand, type TestErrand } from '../../../testing/index.ts';
import { whenDone } from '../../support/when_done.ts';

const base = { version: '1.0.0', description: 'For this test', payload: z.object({}), example: {} };
const report = defineTask({
  ...base,
  name: 'shop.report',
  policy: { backoff: { initialMs: 3_600_000, maxMs: 3_600_000, factor: 1, jitter: 0 }, maxAttempts: 2 },
});
const other = defineTask({ ...base, name: 'shop.other' });
const night = defineWorkflow({
  ...base,
  name: 'shop.night',
  steps: { a: step({}), b: step({ after: ['a'] }) },
});

/** The times of schedules that ran, in order. */
const ran: (string | null)[] = [];
const iso = (time: Date | null): string | null => time?.toISOString() ?? null;

type Options = { at?: string; report?: Handler<typeof report> };

async function start(
  schedules: ScheduleDefinition[],
  { at, report: run }: Options = {},
): Promise<TestErrand> {
  ran.length = 0;
  const handler: Handler<typeof report> = (_payload, { scheduledFor }) => ran.push(iso(scheduledFor));
  const errand = await startTestErrand({
    ...{ database: inject('postgresUrl'), ...(at === undefined ? {} : { at }) },
    tasks: listTasks({
      definitions: [report, other, night],
      handlers: {
        'shop.report': async () => ({ default: defineHandler(report, run ?? handler) }),
        'shop.other': async () => ({
          default: defineHandler(other, (_payload, { scheduledFor }) => {
            ran.push(`other ${iso(scheduledFor)}`);
          }),
        }),
        'shop.night': async () => ({
          default: defineSteps(night, {
            steps: {
              a: { handler: (_payload, { scheduledFor }) => void ran.push(`a ${iso(scheduledFor)}`) },
              b: { handler: (_payload, { scheduledFor }) => void ran.push(`b ${iso(scheduledFor)}`) },
            },
          }),
        }),
      },
      schedules,
    }),
  });
  whenDone(() => errand.stop());
  return errand;
}

const schedule = { id: 'shop.daily', task: report, payload: {} } as const;

test('a schedule fires at each of its times, in order with what is due in between', async () => {
  const daily = defineSchedule({ ...schedule, cron: '0 12 * * *' });
  const errand = await start([daily], { at: '2026-05-01T00:00:00Z' });
  await errand.submit('shop.other', {}, { delaySeconds: 36 * 3_600 + 60 });
  await errand.advance('3 days');
  expect(ran).toEqual([
    '2026-05-01T12:00:00.000Z',
    '2026-05-02T12:00:00.000Z',
    'other null',
    '2026-05-03T12:00:00.000Z',
  ]);
  const now = await errand.now();
  expect(now.toISOString()).toMatch(/^2026-05-04T00:0/);
  // The retention of the others is over.
  expect(await errand.submitted('shop.report')).toMatchObject([{ state: 'succeeded' }]);
});

test('it starts at a chosen moment: the night in which an hour does not exist, and the one in which it comes twice', async () => {
  const nightly = defineSchedule({ ...schedule, cron: '30 2 * * *', timezone: 'Europe/Berlin' });
  const spring = await start([nightly], { at: '2026-03-28T12:00:00+01:00' });
  await spring.advance('2 days');
  expect(ran).toEqual(['2026-03-29T01:00:00.000Z', '2026-03-30T00:30:00.000Z']);
  const autumn = await start([nightly], { at: '2026-10-24T12:00:00+02:00' });
  await autumn.advance('2 days');
  expect(ran).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-26T01:30:00.000Z']);
  await expect(start([nightly], { at: '2026-10-24 12:00' })).rejects.toThrow('is not a moment');
});

test('the steps of a workflow have the time of its schedule', async () => {
  const nightly = defineSchedule({ id: 'shop.nightly', task: night, payload: {}, cron: '@daily' });
  const errand = await start([nightly], { at: '2026-05-01T12:00:00Z' });
  await errand.advance('1 day');
  expect(ran).toEqual(['a 2026-05-02T00:00:00.000Z', 'b 2026-05-02T00:00:00.000Z']);
});

test('retries of a run come in between, and keep its time', async () => {
  const failing: Handler<typeof report> = (_payload, { attempt, scheduledFor }) => {
    ran.push(`${attempt} ${iso(scheduledFor)}`);
    if (attempt === 1) throw new Error('not yet');
  };
  const often = defineSchedule({ ...schedule, everySeconds: 1_800, overlap: 'allow' });
  const errand = await start([often], { at: '2026-05-01T00:10:00Z', report: failing });
  await errand.advance('85 minutes');
  expect(ran).toEqual([
    '1 2026-05-01T00:30:00.000Z',
    '1 2026-05-01T01:00:00.000Z',
    '1 2026-05-01T01:30:00.000Z',
    '2 2026-05-01T00:30:00.000Z',
  ]);
});

test('a time that waits for the end of an earlier run is executed when that has ended', async () => {
  const failing: Handler<typeof report> = (_payload, { attempt, scheduledFor }) => {
    ran.push(`${attempt} ${iso(scheduledFor)}`);
    if (attempt === 1 && ran.length === 1) throw new Error('not yet');
  };
  const often = defineSchedule({ ...schedule, everySeconds: 1_800, overlap: 'queue_one' });
  const errand = await start([often], { at: '2026-05-01T00:10:00Z', report: failing });
  await errand.advance('85 minutes');
  expect(ran).toEqual([
    '1 2026-05-01T00:30:00.000Z',
    '2 2026-05-01T00:30:00.000Z',
    '1 2026-05-01T01:00:00.000Z',
  ]);
});

test('drain names a schedule with a time that nobody handles', async () => {
  const errand = await start([defineSchedule({ ...schedule, cron: '@daily' })]);
  await errand.drain();
  const pool = new Pool({ connectionString: errand.databaseUrl });
  // Held by another transaction.
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`update errand.schedules set next_at = now() - interval '1 hour', due_at = now()`);
    await client.query('commit');
    await client.query('begin');
    await client.query('select from errand.schedules for update');
    await expect(errand.drain({ timeoutMs: 0 })).rejects.toThrow('the schedule shop.daily (due)');
    await client.query('rollback');
  } finally {
    client.release();
    await pool.end();
  }
  await errand.drain();
});

test('months of a daily schedule pass in seconds', async () => {
  const daily = defineSchedule({ ...schedule, cron: '0 12 * * *', timezone: 'America/New_York' });
  const errand = await start([daily], { at: '2026-01-01T00:00:00Z' });
  await errand.advance('100 days');
  expect(new Set(ran).size).toBe(100);
});
