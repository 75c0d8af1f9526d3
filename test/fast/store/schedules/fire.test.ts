import { describe, expect, it } from 'vitest';
import { markBroken } from '../../../../store/schedules/broken.ts';
import { readDue } from '../../../../store/schedules/due.ts';
import { fireSchedules, type PlannedFiring } from '../../../../store/schedules/fire.ts';
import { readSuperseded, releaseHeld } from '../../../../store/schedules/held.ts';
import { createDatabase } from '../../../support/database.ts';
import { readRuns, readSchedule, storeSchedule } from '../../../support/schedules.ts';

const { pool } = await createDatabase();
const T1 = '2026-03-01T10:00:00.000Z';
const T2 = '2026-03-01T10:01:00.000Z';
const T3 = '2026-03-01T10:02:00.000Z';

/** Plans one time of a schedule as it is now. */
async function planned(id: string, at: string, more: Partial<PlannedFiring> = {}): Promise<PlannedFiring> {
  const { revision, next_at } = await readSchedule(pool, id);
  return {
    ...{
      id,
      revision,
      plannedFor: new Date(String(next_at)),
      task: 'example.echo',
      priority: 0,
      times: [new Date(at)],
      skipped: null,
    },
    ...{
      lastAt: new Date(at),
      nextAt: new Date('2099-01-01T00:00:00Z'),
      dueAt: new Date('2099-01-01T00:00:00Z'),
    },
    ...more,
  };
}

/** Makes a schedule due again, as if its next time had come. */
async function becomesDue(id: string, at: string): Promise<void> {
  await pool.query(
    'update errand.schedules set next_at = $2, due_at = $2, revision = revision + 1 where id = $1',
    [id, at],
  );
}

async function endTasks(id: string): Promise<void> {
  await pool.query(
    `update errand.tasks set state = 'succeeded', finished_at = now(), dispatch_id = null where schedule_id = $1`,
    [id],
  );
}

describe('firing', () => {
  it('submits the task of a time, records it and moves the watermark', async () => {
    await storeSchedule(pool, { id: 'example.one', nextAt: T1, tags: ['nightly'], priority: 7 });
    const [fired] = await fireSchedules(pool, [await planned('example.one', T1)]);
    expect(fired).toMatchObject({ id: 'example.one', decisions: { submit: 1 }, replaced: false });
    expect(fired?.lagMs).toBeGreaterThan(0);
    const { rows } = await pool.query(
      `select name, state, payload, priority, tags, submitted_by, schedule_id, scheduled_for, dedup, dedup_key, dispatch_id
         from errand.tasks where schedule_id = 'example.one'`,
    );
    expect(rows).toEqual([
      {
        ...{
          name: 'example.echo',
          state: 'queued',
          payload: { message: 'tick' },
          priority: 7,
          tags: ['nightly'],
        },
        ...{ submitted_by: 'schedule:example.one', schedule_id: 'example.one', scheduled_for: T1 },
        ...{ dedup: 'schedule', dedup_key: `example.one ${T1}`, dispatch_id: expect.any(String) },
      },
    ]);
    expect(await readRuns(pool, 'example.one')).toMatchObject([
      { scheduled_for: T1, outcome: 'submitted', state: 'queued' },
    ]);
    expect(await readSchedule(pool, 'example.one')).toMatchObject({
      last_at: T1,
      next_at: '2099-01-01T00:00:00.000Z',
    });
  });

  it('counts once, however many try at the same moment', async () => {
    await storeSchedule(pool, { id: 'example.raced', nextAt: T1 });
    const plan = await planned('example.raced', T1);
    const fired = await Promise.all(Array.from({ length: 10 }, () => fireSchedules(pool, [plan])));
    expect(fired.flat()).toHaveLength(1);
    expect(await readRuns(pool, 'example.raced')).toHaveLength(1);
  });

  it('does nothing if the schedule has changed since it was planned', async () => {
    await storeSchedule(pool, { id: 'example.changed', nextAt: T1 });
    const plan = await planned('example.changed', T1);
    await becomesDue('example.changed', T2);
    expect(await fireSchedules(pool, [plan])).toEqual([]);
    expect(await readRuns(pool, 'example.changed')).toEqual([]);
  });

  it('does nothing before the time by Postgres’s clock, whatever the clock of the runner says', async () => {
    await storeSchedule(pool, { id: 'example.early', nextIn: 3_600 });
    const { next_at } = await readSchedule(pool, 'example.early');
    expect(await fireSchedules(pool, [await planned('example.early', String(next_at))])).toEqual([]);
    expect(await readRuns(pool, 'example.early')).toEqual([]);
  });

  it('submits nothing for a time that a backfill has submitted', async () => {
    await storeSchedule(pool, { id: 'example.backfilled', nextAt: T1 });
    await pool.query(
      `insert into errand.schedule_runs (schedule_id, scheduled_for, outcome, is_backfill) values ('example.backfilled', $1, 'submitted', true)`,
      [T1],
    );
    expect(await fireSchedules(pool, [await planned('example.backfilled', T1)])).toMatchObject([
      { decisions: { ran: 1 } },
    ]);
    expect(
      (await pool.query(`select from errand.tasks where schedule_id = 'example.backfilled'`)).rowCount,
    ).toBe(0);
  });

  it('is not stopped by a finished task of an earlier time (bullmq#2954)', async () => {
    await storeSchedule(pool, { id: 'example.dedup', nextAt: T1 });
    await fireSchedules(pool, [await planned('example.dedup', T1)]);
    await endTasks('example.dedup');
    await becomesDue('example.dedup', T2);
    await fireSchedules(pool, [await planned('example.dedup', T2)]);
    expect(await readRuns(pool, 'example.dedup')).toMatchObject([
      { scheduled_for: T1, state: 'succeeded' },
      { scheduled_for: T2, state: 'queued' },
    ]);
  });

  it('records the missed times that are left out as one row', async () => {
    await storeSchedule(pool, { id: 'example.missed', nextAt: T1 });
    const skipped = { from: new Date(T1), until: new Date(T2), count: 2 };
    await fireSchedules(pool, [await planned('example.missed', T3, { skipped })]);
    expect(await readRuns(pool, 'example.missed')).toMatchObject([
      { scheduled_for: T1, until: T2, times: 2, outcome: 'skipped', reason: 'missed', task_id: null },
      { scheduled_for: T3, outcome: 'submitted' },
    ]);
  });

  it('submits the steps of a workflow, which know the time', async () => {
    await storeSchedule(pool, {
      id: 'example.flow',
      task: 'example.diamond',
      payload: { even_number: 2 },
      nextAt: T1,
    });
    await fireSchedules(pool, [await planned('example.flow', T1, { task: 'example.diamond' })]);
    const { rows } = await pool.query(
      `select distinct scheduled_for from errand.tasks where name like 'example.diamond%'`,
    );
    expect(rows).toEqual([{ scheduled_for: T1 }]);
  });

  it('reads and fires none while it is paused or broken', async () => {
    await storeSchedule(pool, { id: 'example.paused', nextAt: T1, pausedAt: T1 });
    await storeSchedule(pool, { id: 'example.broken', nextAt: T1, broken: 'its payload does not fit' });
    const { due } = await readDue(pool, 100, 0);
    expect(due.map(({ id }) => id)).not.toContain('example.paused');
    expect(due.map(({ id }) => id)).not.toContain('example.broken');
    expect(
      await fireSchedules(pool, [await planned('example.paused', T1), await planned('example.broken', T1)]),
    ).toEqual([]);
  });

  it('marks a schedule as broken only if it is as it was read', async () => {
    await storeSchedule(pool, { id: 'example.marked', nextAt: T1 });
    const { revision } = await readSchedule(pool, 'example.marked');
    expect(await markBroken(pool, { id: 'example.marked', revision: revision + 1 }, 'why')).toBe(false);
    expect(await markBroken(pool, { id: 'example.marked', revision }, 'why')).toBe(true);
    expect(await readSchedule(pool, 'example.marked')).toMatchObject({
      broken: 'why',
      due_at: null,
      next_at: T1,
    });
  });
});

describe('a time that comes while an earlier run is open', () => {
  async function withOpenRun(
    id: string,
    overlap: 'skip' | 'queue_one' | 'cancel_running' | 'allow',
  ): Promise<void> {
    await storeSchedule(pool, { id, overlap, nextAt: T1 });
    await fireSchedules(pool, [await planned(id, T1)]);
    await becomesDue(id, T2);
    await fireSchedules(pool, [await planned(id, T2)]);
  }

  it('is skipped, and the open task is named', async () => {
    await withOpenRun('example.skip', 'skip');
    const [first, second] = await readRuns(pool, 'example.skip');
    expect(second).toMatchObject({
      scheduled_for: T2,
      outcome: 'skipped',
      reason: 'overlap',
      task_id: first?.task_id,
    });
  });

  it('is submitted too, if runs may overlap', async () => {
    await withOpenRun('example.allow', 'allow');
    expect(await readRuns(pool, 'example.allow')).toMatchObject([
      { outcome: 'submitted' },
      { outcome: 'submitted' },
    ]);
  });

  it('is held until that run has ended, and the times after it are skipped', async () => {
    await withOpenRun('example.queue', 'queue_one');
    expect(await readSchedule(pool, 'example.queue')).toMatchObject({ held_for: T2, last_at: T2 });
    await becomesDue('example.queue', T3);
    await fireSchedules(pool, [await planned('example.queue', T3)]);
    expect(await readSchedule(pool, 'example.queue')).toMatchObject({ held_for: T2, last_at: T3 });
    expect(await releaseHeld(pool)).not.toContain('example.queue');
    await endTasks('example.queue');
    const released = await Promise.all(Array.from({ length: 5 }, () => releaseHeld(pool)));
    expect(released.flat().filter((id) => id === 'example.queue')).toHaveLength(1);
    expect(await readRuns(pool, 'example.queue')).toMatchObject([
      { scheduled_for: T1, state: 'succeeded' },
      { scheduled_for: T2, outcome: 'submitted', state: 'queued' },
      { scheduled_for: T3, outcome: 'skipped', reason: 'overlap' },
    ]);
    expect(await readSchedule(pool, 'example.queue')).toMatchObject({ held_for: null });
  });

  it('replaces that run, and a held time before it', async () => {
    await withOpenRun('example.cancel', 'cancel_running');
    const [first] = await readRuns(pool, 'example.cancel');
    expect(await readSuperseded(pool)).toContainEqual({
      scheduleId: 'example.cancel',
      taskId: first?.task_id,
    });
    await becomesDue('example.cancel', T3);
    expect(await fireSchedules(pool, [await planned('example.cancel', T3)])).toMatchObject([
      { replaced: true },
    ]);
    expect(await readSchedule(pool, 'example.cancel')).toMatchObject({ held_for: T3 });
    await endTasks('example.cancel');
    await releaseHeld(pool);
    expect(await readRuns(pool, 'example.cancel')).toMatchObject([
      { scheduled_for: T1, outcome: 'submitted' },
      { scheduled_for: T2, outcome: 'skipped', reason: 'replaced' },
      { scheduled_for: T3, outcome: 'submitted' },
    ]);
  });

  it('is not released while the schedule is paused', async () => {
    await storeSchedule(pool, {
      id: 'example.held_pause',
      overlap: 'queue_one',
      nextAt: T2,
      heldFor: T1,
      pausedAt: T1,
    });
    expect(await releaseHeld(pool)).not.toContain('example.held_pause');
  });
});
