import type { Pool } from 'pg';
import { describe, expect, test } from 'vitest';
import { settingsSchema } from '../../../../core/schedules/settings.ts';
import type { Act } from '../../../../store/operators/audit.ts';
import { submitBackfill } from '../../../../store/schedules/backfill.ts';
import {
  changeSchedule,
  createSchedule,
  pauseSchedule,
  readForChange,
  removeSchedule,
  resumeSchedule,
  type ScheduleContent,
} from '../../../../store/schedules/change.ts';
import { readSchedule } from '../../../../store/schedules/read.ts';
import { createDatabase } from '../../../support/database.ts';
import { storeSchedule } from '../../../support/schedules.ts';

const { pool } = await createDatabase();

const ACT: Act = { actor: 'user:ann', reason: null, requestId: null };
const content: ScheduleContent = {
  settings: settingsSchema.parse({ task: 'example.echo', payload: { message: 'new' }, every_seconds: 7 }),
  submission: { name: 'example.echo', version: '1.0.0', priority: 0, max_attempts: 1 },
  schemaHash: 'hash',
};
const course = { nextAt: new Date('2099-01-01T00:00:00Z'), dueAt: null, skipped: null };

/** Everything that a change writes. */
async function everything(from: Pool): Promise<unknown> {
  const { rows } = await from.query(
    `select (select json_agg(s order by id) from errand.schedules s) as schedules,
            (select json_agg(r) from errand.schedule_runs r) as runs,
            (select count(*) from errand.audit) as audit, (select count(*) from errand.tasks) as tasks`,
  );
  return rows[0];
}

/** A schedule as it was read, that a runner has fired in the meantime. */
async function firedSinceRead(id: string): Promise<{ id: string; revision: number }> {
  await storeSchedule(pool, { id });
  const { schedule } = await readSchedule(pool, id);
  await pool.query(
    `update errand.schedules set revision = revision + 1, last_at = next_at, next_at = next_at + interval '1 minute'
      where id = $1`,
    [id],
  );
  return { id, revision: schedule?.revision ?? 0 };
}

describe('a change that was planned before somebody else changed the schedule', () => {
  const skipped = {
    from: new Date('2026-01-01T00:00:00Z'),
    until: new Date('2026-01-02T00:00:00Z'),
    count: 2,
  };
  const range = { from: skipped.from, to: skipped.until };
  test.each<[string, (as: { id: string; revision: number }) => Promise<unknown>]>([
    ['of its settings', (as) => changeSchedule(pool, as, content, { ...course, skipped }, ACT)],
    ['that ends its pause', (as) => resumeSchedule(pool, as, { ...course, skipped }, ACT)],
    ['that submits a backfill', (as) => submitBackfill(pool, as, [skipped.from], range, ACT)],
  ])('%s writes nothing', async (what, change) => {
    const read = await firedSinceRead(`example.${what.replaceAll(' ', '_')}`);
    const before = await everything(pool);
    expect(await change(read)).toBeNull();
    expect(await everything(pool)).toEqual(before);
    expect(await change({ ...read, revision: read.revision + 1 })).not.toBeNull();
    expect(await everything(pool)).not.toEqual(before);
  });
});

describe('a change of a schedule', () => {
  test('that another one has just made is none', async () => {
    await storeSchedule(pool, { id: 'example.taken' });
    const before = await everything(pool);
    expect(await createSchedule(pool, 'example.taken', content, course, ACT)).toBeNull();
    expect(await everything(pool)).toEqual(before);
  });

  test('of code that a runner has, or that is not there, is none', async () => {
    await storeSchedule(pool, { id: 'example.in_code' });
    await pool.query(
      `insert into errand.runners (host, pid, version, task_names, concurrency, lease_secs, schedules)
       values ('here', 1, 'test', '{}', 1, 15, '{example.in_code}')`,
    );
    await pool.query(`update errand.schedules set origin = 'code' where id = 'example.in_code'`);
    const before = await everything(pool);
    expect(
      await changeSchedule(pool, { id: 'example.in_code', revision: 1 }, content, course, ACT),
    ).toBeNull();
    expect(await removeSchedule(pool, 'example.in_code', ACT)).toBe(false);
    expect(await removeSchedule(pool, 'example.nothing', ACT)).toBe(false);
    expect(await pauseSchedule(pool, 'example.nothing', ACT)).toBeNull();
    expect(await everything(pool)).toEqual(before);
  });

  test('raises the revision, so that a firing that was planned before is void', async () => {
    await storeSchedule(pool, { id: 'example.raised' });
    const revisions: (number | undefined)[] = [];
    const revision = async () => (await readSchedule(pool, 'example.raised')).schedule?.revision ?? 0;
    const as = async () => ({ id: 'example.raised', revision: await revision() });
    await changeSchedule(pool, await as(), content, course, ACT);
    revisions.push(await revision());
    await pauseSchedule(pool, 'example.raised', ACT);
    revisions.push(await revision());
    await resumeSchedule(pool, await as(), course, ACT);
    revisions.push(await revision());
    const range = { from: new Date(0), to: new Date(1) };
    await submitBackfill(pool, await as(), [new Date(0)], range, ACT);
    revisions.push(await revision());
    expect(revisions).toEqual([2, 3, 4, 5]);
  });

  test('is none for the same content, unless the schedule is broken', async () => {
    const made = await createSchedule(pool, 'example.same', content, course, ACT);
    expect(made?.schedule.revision).toBe(1);
    const read = () => readForChange(pool, 'example.same', content);
    expect((await read()).isSame).toBe(true);
    const other = { ...content, settings: { ...content.settings, tags: ['a'] } };
    expect((await readForChange(pool, 'example.same', other)).isSame).toBe(false);
    const newer = { ...content, submission: { ...content.submission, version: '2.0.0' } };
    expect((await readForChange(pool, 'example.same', newer)).isSame).toBe(false);
    await pool.query(`update errand.schedules set broken = 'no', due_at = null where id = 'example.same'`);
    expect((await read()).isSame).toBe(false);
  });
});
