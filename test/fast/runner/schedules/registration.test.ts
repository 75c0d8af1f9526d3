import { expect, test } from 'vitest';
import { defineSchedule } from '../../../../core/schedules/schedule.ts';
import { createDatabase } from '../../../support/database.ts';
import { readRuns, readSchedule } from '../../../support/schedules.ts';
import { until } from '../../../support/until.ts';
import { codeRunners, schedule, slow } from './code_runner.ts';

const { pool } = await createDatabase();
const runners = codeRunners(pool);

/** Whether a statement has written the row since. */
const revision = async (id: string): Promise<number> => (await readSchedule(pool, id)).revision;

test('new schedules, with a time in the future and all that a firing needs', async () => {
  await runners.start([
    schedule({ id: 'mail.nightly', priority: 5, tags: ['night'] }),
    schedule({ id: 'mail.often', cron: undefined, everySeconds: 60 } as never),
  ]);
  const { rows } = await pool.query(
    `select *, next_at > now() as is_later, due_at = next_at as is_due_then from errand.schedules order by id`,
  );
  expect(rows).toMatchObject([
    {
      ...{
        id: 'mail.nightly',
        task: 'mail.send',
        origin: 'code',
        owner: 'shop',
        revision: 1,
        last_at: null,
      },
      ...{ is_later: true, is_due_then: true, broken: null, schema_hash: expect.any(String) },
      settings: { cron: '30 2 * * *', payload: {}, overlap: 'skip' },
      submission: {
        ...{ name: 'mail.send', version: '1.0.0', priority: 5, max_attempts: 25, tags: ['night'] },
        ...{ schedule_id: 'mail.nightly', submitted_by: 'schedule:mail.nightly' },
      },
    },
    { id: 'mail.often', is_later: true },
  ]);
  expect(runners.lines().join()).toContain('registered schedules');
});

test('nothing is written for schedules that are stored as they are', async () => {
  const one = schedule({ id: 'mail.nightly' });
  const { registration, id } = await runners.start([one]);
  await registration.keep(id);
  await runners.start([one]);
  expect(await revision('mail.nightly')).toBe(1);
});

test('other settings of the same timing keep the next time, also one that is due', async () => {
  await runners.start([schedule({ id: 'mail.nightly' })]);
  await pool.query(`update errand.schedules set next_at = '2026-01-02 02:30Z', due_at = '2026-01-02 02:30Z'`);
  await runners.start([schedule({ id: 'mail.nightly', payload: { to: 'ann' }, priority: 3 })]);
  const { rows } = await pool.query('select * from errand.schedules');
  expect(rows).toMatchObject([
    {
      ...{ revision: 2, next_at: '2026-01-02T02:30:00.000Z', due_at: '2026-01-02T02:30:00.000Z' },
      ...{ settings: { payload: { to: 'ann' } }, submission: { priority: 3 } },
    },
  ]);
});

test('another timing gives the next time after now; one that is due and not handled is not lost', async () => {
  await runners.start([schedule({ id: 'mail.nightly' })]);
  await runners.start([schedule({ id: 'mail.nightly', cron: '0 5 * * *' })]);
  const { next_at: next } = await readSchedule(pool, 'mail.nightly');
  expect(new Date(String(next)).getUTCHours()).toBe(5);
  expect(new Date(String(next)).getTime()).toBeGreaterThan(Date.now());
  await pool.query(`update errand.schedules set next_at = '2026-01-02 05:00Z', due_at = '2026-01-02 05:00Z'`);
  await runners.start([schedule({ id: 'mail.nightly', cron: '0 6 * * *' })]);
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ due_at: '2026-01-02T06:00:00.000Z' });
});

test('a paused schedule stays paused', async () => {
  await runners.start([schedule({ id: 'mail.nightly' })]);
  await pool.query(`update errand.schedules set paused_at = now(), due_at = null`);
  await runners.start([schedule({ id: 'mail.nightly', cron: '0 5 * * *' })]);
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({
    due_at: null,
    next_at: expect.any(String),
  });
});

test('the times of a pause that another timing ends are recorded as skipped', async () => {
  await runners.start([schedule({ id: 'mail.nightly' })]);
  await pool.query(
    `update errand.schedules
        set paused_at = now(), due_at = null, next_at = date_trunc('day', now()) - interval '2 days' + interval '150 minutes'`,
  );
  await runners.start([schedule({ id: 'mail.nightly', cron: '0 5 * * *' })]);
  const runs = await readRuns(pool, 'mail.nightly');
  expect(runs).toMatchObject([{ outcome: 'skipped', reason: 'paused' }]);
  const { last_at, next_at } = await readSchedule(pool, 'mail.nightly');
  expect(last_at).toBe(runs[0]?.until);
  expect(new Date(String(next_at)).getTime()).toBeGreaterThan(Date.now());
});

test('a broken schedule is mended by a start, and goes on where it stopped', async () => {
  const one = schedule({ id: 'mail.nightly' });
  const { registration, id } = await runners.start([one]);
  await pool.query(
    `update errand.schedules set broken = 'why', broken_at = now(), due_at = null, next_at = '2026-01-02 02:30Z'`,
  );
  await registration.keep(id);
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ broken: 'why' });
  await runners.start([one]);
  expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({
    ...{ broken: null, broken_at: null, due_at: '2026-01-02T02:30:00.000Z' },
  });
});

test('a payload that only time could tell about breaks the schedule with words, and the log says so', async () => {
  const one = defineSchedule({ id: 'mail.slowly', task: slow, payload: { to: 'ann' }, cron: '@daily' });
  await runners.start([one]);
  const { broken, due_at } = await readSchedule(pool, 'mail.slowly');
  expect(broken).toMatch(
    /^The payload does not fit mail\.slow 1\.0\.0: \/payload is not all.* Change it in .*registration\.test\.ts$/,
  );
  expect(due_at).toBeNull();
  expect(runners.lines().join()).toContain('a schedule is broken');
});

test('a firing at the same moment is not undone: the schedule is read again', async () => {
  const one = schedule({ id: 'mail.nightly' });
  await runners.start([one]);
  const { registration, id } = await runners.start([schedule({ id: 'mail.nightly', priority: 1 })], {
    register: false,
  });
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(`update errand.schedules set revision = revision + 1, last_at = '2026-01-01Z'`);
    const registering = registration.register(id);
    // The statement waits for the row, and then finds another one than it planned for.
    await untilBlocked();
    await client.query('commit');
    await registering;
  } finally {
    client.release();
  }
  const { rows } = await pool.query('select * from errand.schedules');
  expect(rows).toMatchObject([
    { revision: 3, last_at: '2026-01-01T00:00:00.000Z', submission: { priority: 1 } },
  ]);
});

/** Waits until a statement waits for the lock of another transaction. */
async function untilBlocked(): Promise<void> {
  await until('a statement waits', async () => {
    const { rows } = await pool.query(
      `select from pg_stat_activity where datname = current_database() and cardinality(pg_blocking_pids(pid)) > 0`,
    );
    return rows.length > 0;
  });
}
