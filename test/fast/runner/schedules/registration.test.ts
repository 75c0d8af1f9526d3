import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Ownership } from '../../../../core/registration/owner.ts';
import {
  defineSchedule,
  type ScheduleDefinition,
  type ScheduleInput,
} from '../../../../core/schedules/schedule.ts';
import { defineTask } from '../../../../core/task.ts';
import {
  type ScheduleRegistration,
  scheduleRegistration,
} from '../../../../runner/schedules/registration.ts';
import { endRunner, registerRunner } from '../../../../store/attempts/runners.ts';
import { createDatabase } from '../../../support/database.ts';
import { registeredHandler, startTestRunner } from '../../../support/runner.ts';
import { readSchedule, storeSchedule } from '../../../support/schedules.ts';
import { until } from '../../../support/until.ts';

const { pool } = await createDatabase();

const task = defineTask({
  ...{ name: 'mail.send', version: '1.0.0', description: 'For a test' },
  ...{ payload: z.object({ to: z.string().default('all') }), example: {} },
});
const slow = defineTask({
  ...{ name: 'mail.slow', version: '1.0.0', description: 'For a test', example: {} },
  payload: z.object({ to: z.string().default('all') }).refine(async ({ to }) => to === 'all', 'is not all'),
});

type Given = Partial<ScheduleInput<typeof task>> & { id: string };
const schedule = (given: Given): ScheduleDefinition =>
  defineSchedule({ task, payload: {}, cron: '30 2 * * *', ...given } as ScheduleInput<typeof task>);
const owned = (project: string | null): Ownership => ({ project, ownerOf: () => project });

/** What was logged, as text. */
let lines: string[] = [];
const log = pino({ base: null }, { write: (line: string) => lines.push(line) });

beforeEach(async () => {
  lines = [];
  await pool.query('truncate errand.schedules, errand.schedule_runs');
  await pool.query(
    `update errand.runners set ended_at = now(), end_reason = 'stopped' where ended_at is null`,
  );
});

type Code = { id: number; registration: ScheduleRegistration; end(): Promise<void> };

/** A live runner with these schedules in its code. It registers them, unless that is left out. */
async function startCode(
  schedules: readonly ScheduleDefinition[],
  { project = 'shop', register = true }: { project?: string | null; register?: boolean } = {},
): Promise<Code> {
  const registration = scheduleRegistration({
    ...{ pool, log, schedules, ownership: owned(project) },
    definitions: new Map([task, slow].map((definition) => [definition.name, { definition }])),
  });
  const id = await registerRunner(pool, {
    ...{ host: 'here', pid: 1, version: 'test', taskNames: [], concurrency: 1, leaseSecs: 60 },
    ...{ project, schedules: registration.ids },
  });
  if (register) await registration.register(id);
  return {
    ...{ id, registration },
    async end() {
      await endRunner(pool, id);
      await registration.removeOld();
    },
  };
}

async function ids(): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>('select id from errand.schedules order by id');
  return rows.map(({ id }) => id);
}

/** Whether a statement has written the row since. */
const revision = async (id: string): Promise<number> => (await readSchedule(pool, id)).revision;

describe('what is stored', () => {
  test('new schedules, with a time in the future and all that a firing needs', async () => {
    await startCode([
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
    expect(lines.join()).toContain('registered schedules');
  });

  test('nothing is written for schedules that are stored as they are', async () => {
    const one = schedule({ id: 'mail.nightly' });
    const { registration, id } = await startCode([one]);
    await registration.keep(id);
    await startCode([one]);
    expect(await revision('mail.nightly')).toBe(1);
  });

  test('other settings of the same timing keep the next time, also one that is due', async () => {
    await startCode([schedule({ id: 'mail.nightly' })]);
    await pool.query(
      `update errand.schedules set next_at = '2026-01-02 02:30Z', due_at = '2026-01-02 02:30Z'`,
    );
    await startCode([schedule({ id: 'mail.nightly', payload: { to: 'ann' }, priority: 3 })]);
    const { rows } = await pool.query('select * from errand.schedules');
    expect(rows).toMatchObject([
      {
        ...{ revision: 2, next_at: '2026-01-02T02:30:00.000Z', due_at: '2026-01-02T02:30:00.000Z' },
        ...{ settings: { payload: { to: 'ann' } }, submission: { priority: 3 } },
      },
    ]);
  });

  test('another timing gives the next time after now; one that is due and not handled is not lost', async () => {
    await startCode([schedule({ id: 'mail.nightly' })]);
    await startCode([schedule({ id: 'mail.nightly', cron: '0 5 * * *' })]);
    const { next_at: next } = await readSchedule(pool, 'mail.nightly');
    expect(new Date(String(next)).getUTCHours()).toBe(5);
    expect(new Date(String(next)).getTime()).toBeGreaterThan(Date.now());
    await pool.query(
      `update errand.schedules set next_at = '2026-01-02 05:00Z', due_at = '2026-01-02 05:00Z'`,
    );
    await startCode([schedule({ id: 'mail.nightly', cron: '0 6 * * *' })]);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ due_at: '2026-01-02T06:00:00.000Z' });
  });

  test('a paused schedule stays paused', async () => {
    await startCode([schedule({ id: 'mail.nightly' })]);
    await pool.query(`update errand.schedules set paused_at = now(), due_at = null`);
    await startCode([schedule({ id: 'mail.nightly', cron: '0 5 * * *' })]);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({
      due_at: null,
      next_at: expect.any(String),
    });
  });

  test('a broken schedule is mended by a start, and goes on where it stopped', async () => {
    const one = schedule({ id: 'mail.nightly' });
    const { registration, id } = await startCode([one]);
    await pool.query(
      `update errand.schedules set broken = 'why', broken_at = now(), due_at = null, next_at = '2026-01-02 02:30Z'`,
    );
    await registration.keep(id);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ broken: 'why' });
    await startCode([one]);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({
      ...{ broken: null, broken_at: null, due_at: '2026-01-02T02:30:00.000Z' },
    });
  });

  test('a payload that only time could tell about breaks the schedule with words, and the log says so', async () => {
    const one = defineSchedule({ id: 'mail.slowly', task: slow, payload: { to: 'ann' }, cron: '@daily' });
    await startCode([one]);
    const { broken, due_at } = await readSchedule(pool, 'mail.slowly');
    expect(broken).toMatch(
      /^The payload does not fit mail\.slow 1\.0\.0: \/payload is not all.* Change it in .*registration\.test\.ts$/,
    );
    expect(due_at).toBeNull();
    expect(lines.join()).toContain('a schedule is broken');
  });

  test('a firing at the same moment is not undone: the schedule is read again', async () => {
    const one = schedule({ id: 'mail.nightly' });
    await startCode([one]);
    const { registration, id } = await startCode([schedule({ id: 'mail.nightly', priority: 1 })], {
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
});

describe('which settings win', () => {
  test('those of the newest start, and after it has ended those of the newest that is left', async () => {
    const old = await startCode([schedule({ id: 'mail.nightly', priority: 1 })]);
    const newer = await startCode([schedule({ id: 'mail.nightly', priority: 2 })]);
    const priority = async (): Promise<unknown> => {
      const { rows } = await pool.query(`select submission -> 'priority' as priority from errand.schedules`);
      return rows[0]?.priority;
    };
    expect(await priority()).toBe(2);
    await old.registration.keep(old.id);
    expect(await priority()).toBe(2);
    await newer.end();
    await old.registration.keep(old.id);
    expect(await priority()).toBe(1);
  });

  test('a schedule of the API with the same id stays: the log names the remedy, once', async () => {
    await storeSchedule(pool, { id: 'mail.nightly' });
    const { registration, id } = await startCode([
      schedule({ id: 'mail.nightly' }),
      schedule({ id: 'mail.b' }),
    ]);
    await registration.keep(id);
    const { rows } = await pool.query('select id, origin, revision from errand.schedules order by id');
    expect(rows).toEqual([
      { id: 'mail.b', origin: 'code', revision: 1 },
      { id: 'mail.nightly', origin: 'api', revision: 1 },
    ]);
    expect(lines.filter((line) => line.includes('DELETE /v1/schedules/mail.nightly'))).toHaveLength(1);
    await pool.query(`delete from errand.schedules where origin = 'api'`);
    await registration.keep(id);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ origin: 'code' });
  });

  test('that of another live repository is refused, and both are named; one that has ended is taken over', async () => {
    const theirs = await startCode([schedule({ id: 'mail.nightly' })], { project: 'storefront' });
    const starting = startCode([schedule({ id: 'mail.nightly', priority: 1 })]);
    await expect(starting).rejects.toThrow(
      /These schedules of shop belong to another repository:\n {2}mail\.nightly: here it is in \S+registration\.test\.ts, but storefront has it, too \(runner \d+ on here\)\nRename/,
    );
    expect(await revision('mail.nightly')).toBe(1);
    await theirs.end();
    await startCode([schedule({ id: 'mail.nightly', priority: 1 })]);
    expect(await readSchedule(pool, 'mail.nightly')).toMatchObject({ owner: 'shop', revision: 2 });
  });
});

describe('what is removed', () => {
  test('a schedule that no runner of its repository has in its code any more', async () => {
    const old = await startCode([schedule({ id: 'mail.a' }), schedule({ id: 'mail.b' })]);
    await storeSchedule(pool, { id: 'mail.of_api' });
    await startCode([schedule({ id: 'mail.other' })], { project: 'storefront' });
    const newer = await startCode([schedule({ id: 'mail.b' })]);
    // The old one may still go on for hours: a rolling deployment.
    expect(await ids()).toEqual(['mail.a', 'mail.b', 'mail.of_api', 'mail.other']);
    await endRunner(pool, old.id);
    await newer.registration.keep(newer.id);
    expect(await ids()).toEqual(['mail.b', 'mail.of_api', 'mail.other']);
  });

  test('at once when the last runner that has it ends, but nothing if no runner is left', async () => {
    const old = await startCode([schedule({ id: 'mail.a' })]);
    const newer = await startCode([schedule({ id: 'mail.b' })]);
    await old.end();
    expect(await ids()).toEqual(['mail.b']);
    await newer.end();
    expect(await ids()).toEqual(['mail.b']);
  });

  test('a project that has no schedules any more removes its last ones', async () => {
    const old = await startCode([schedule({ id: 'mail.a' })]);
    await startCode([]);
    await old.end();
    expect(await ids()).toEqual([]);
  });

  test('a runner whose heartbeat is late still counts: it may be back in a moment', async () => {
    const old = await startCode([schedule({ id: 'mail.a' })]);
    await pool.query(`update errand.runners set heartbeat_at = now() - interval '1 hour' where id = $1`, [
      old.id,
    ]);
    await startCode([]);
    expect(await ids()).toEqual(['mail.a']);
  });
});

test('a runner lists its schedules, registers them at its start, and is gone if it cannot', async () => {
  const registeredHandlers = new Map([registeredHandler(task, () => 'done')]);
  const one = schedule({ id: 'mail.nightly' });
  const runner = await startTestRunner(pool, {
    registeredHandlers,
    schedules: [one],
    ownership: owned('shop'),
  });
  const { rows } = await pool.query('select schedules from errand.runners where id = $1', [runner.id]);
  expect(rows).toEqual([{ schedules: ['mail.nightly'] }]);
  expect(await ids()).toEqual(['mail.nightly']);
  const other = { registeredHandlers, schedules: [one], ownership: owned('storefront') };
  await expect(startTestRunner(pool, other)).rejects.toThrow('belong to another repository');
  const live = await pool.query('select id from errand.runners where ended_at is null');
  expect(live.rows).toEqual([{ id: runner.id }]);
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
