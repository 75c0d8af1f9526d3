import { beforeEach, expect, test } from 'vitest';
import { judgeSchedules } from '../../../../doctor/schedules.ts';
import { registerRunner } from '../../../../store/attempts/runners.ts';
import { readScheduleFacts } from '../../../../store/doctor/schedule_facts.ts';
import { createDatabase } from '../../../support/database.ts';
import { addSchedules } from '../schedules/schedule_rows.ts';

const { pool } = await createDatabase();

beforeEach(async () => {
  await pool.query('truncate errand.schedules, errand.runners');
});

const judged = async (live: number) => judgeSchedules(await readScheduleFacts(pool, 120), live);
const seen = async (live: number) =>
  (await judged(live)).map(({ code, severity, subject }) => [code, severity, subject]);

async function addRunner(...taskNames: string[]): Promise<number> {
  return await registerRunner(pool, {
    ...{ host: 'a', pid: 1, version: '1.0.0', taskNames, concurrency: 1, leaseSecs: 15 },
  });
}

test('schedules that are well are no finding: due soon, due a moment ago, ended, or paused for a while', async () => {
  await addRunner('example.now');
  await addSchedules(pool, [
    { id: 'example.soon', due: '1 hour' },
    { id: 'example.now', due: '-1 second' },
    { id: 'example.ended' },
    { id: 'example.paused', pausedFor: '20 days' },
  ]);
  expect(await judged(1)).toEqual([]);
});

test('overdue and broken schedules are errors, with their ids and why', async () => {
  await addRunner('example.now');
  await addSchedules(pool, [
    { id: 'example.late', due: '-10 minutes' },
    { id: 'example.later', due: '-3 hours' },
    { id: 'example.broken', broken: 'the payload lacks /city' },
  ]);
  const findings = await judged(1);
  expect(findings).toMatchObject([
    { code: 'schedules_overdue', severity: 'error', subject: null },
    { code: 'schedule_broken', severity: 'error', subject: 'example.broken' },
  ]);
  expect(findings[0]?.message).toContain('2 schedules have been due for up to 3 h');
  expect(findings[0]?.message).toContain('example.later, example.late');
  expect(findings[0]?.remedy).toContain('logs of the runners');
  expect((await judged(0))[0]?.remedy).toContain('Start a runner');
  expect(findings[1]?.message).toContain('submits nothing: the payload lacks /city');
});

test('a task that no live runner has is a warning for all its schedules; without any runner another finding says so', async () => {
  const dead = await addRunner('gone.away');
  await pool.query(`update errand.runners set heartbeat_at = now() - interval '1 minute' where id = $1`, [
    dead,
  ]);
  await addRunner('example.now');
  await addSchedules(pool, [
    { id: 'example.soon', due: '1 hour' },
    { id: 'gone.daily', task: 'gone.away', due: '1 hour' },
    { id: 'gone.weekly', task: 'gone.away', due: '1 hour' },
    // It submits nothing.
    { id: 'gone.ended', task: 'gone.away' },
  ]);
  expect(await seen(1)).toEqual([['schedule_without_runner', 'warning', 'gone.away']]);
  expect((await judged(1))[0]?.message).toContain('2 schedules (gone.daily, gone.weekly)');
  expect(await seen(0)).toEqual([]);
});

test('one that has been paused for longer than a month is noted', async () => {
  await addSchedules(pool, [{ id: 'example.old', pausedFor: '40 days' }]);
  expect(await seen(0)).toEqual([['schedule_paused', 'ok', 'example.old']]);
  expect((await judged(0))[0]?.message).toContain('paused for 40 days by user:ann');
});
