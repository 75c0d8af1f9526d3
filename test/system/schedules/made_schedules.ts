import type { Pool } from 'pg';
import { submittable } from '../../../core/registration/submittable.ts';
import { firstTime } from '../../../core/schedules/plan.ts';
import { GRACE_SECONDS, type ScheduleSettings, settingsSchema } from '../../../core/schedules/settings.ts';
import { submissionOf } from '../../../core/schedules/submission.ts';
import type { TaskDefinition } from '../../../core/task.ts';
import { until } from '../../support/until.ts';
import { work } from '../crash/fixtures/tasks.ts';

/** A schedule whose times are the multiples of an interval from its anchor on. */
export type MadeSchedule = {
  id: string;
  everySecs: number;
  /** A moment of it, in ms since 1970; 0 by default. */
  anchor: number;
  /** Whether its settings make it submit every time, whatever happens. */
  runsAll: boolean;
  /** How late a time may be that is caught up with. */
  windowSecs: number;
  overlap: ScheduleSettings['overlap'];
  /** The end that it was given. */
  endsAt: Date | null;
};

export type Wanted = Pick<MadeSchedule, 'id' | 'everySecs' | 'runsAll'> & {
  settings: Partial<ScheduleSettings>;
};

/** So many schedules with the same settings. */
export function several(count: number, wanted: Wanted): Wanted[] {
  return Array.from({ length: count }, (_, number) => ({ ...wanted, id: `${wanted.id}_${number}` }));
}

/**
 * Stores schedules of a task, by default of the fixture that does nothing for long. They end after `forMs`, if that is given.
 */
export async function makeSchedules(
  pool: Pool,
  wanted: readonly Wanted[],
  {
    forMs = null,
    task = work as unknown as TaskDefinition,
  }: { forMs?: number | null; task?: TaskDefinition } = {},
): Promise<MadeSchedule[]> {
  const now = await databaseTime(pool);
  const endsAt = forMs === null ? null : new Date(now.getTime() + forMs);
  const all = wanted.map(({ settings, ...more }) => ({
    ...more,
    settings: settingsSchema.parse({
      ...{ task: task.name, payload: task === work ? { ms: 1 } : {}, ends_at: endsAt?.toISOString() ?? null },
      ...settings,
    }),
  }));
  for (const { id, settings } of all) {
    const { nextAt, dueAt } = firstTime({ id, settings, now, lastAt: null, overdue: null });
    const submission = submissionOf(id, settings, submittable(task));
    await pool.query(
      `insert into errand.schedules (id, task, origin, settings, submission, next_at, due_at)
       values ($1, $2, 'api', $3, $4, $5, $6)`,
      [id, task.name, JSON.stringify(settings), JSON.stringify(submission), nextAt, dueAt],
    );
  }
  return all.map(({ settings, ...more }) => ({
    ...{ ...more, endsAt, anchor: settings.starts_at === null ? 0 : Date.parse(settings.starts_at) },
    overlap: settings.overlap,
    windowSecs: settings.catch_up === 'skip' ? GRACE_SECONDS : settings.catch_up_window_seconds,
  }));
}

/** Postgres's clock. */
export async function databaseTime(pool: Pool): Promise<Date> {
  const { rows } = await pool.query<{ now: string }>('select errand.schedule_now() as now');
  return new Date(String(rows[0]?.now));
}

/** Waits until all times are handled, of schedules that end. */
export async function ended(pool: Pool): Promise<void> {
  await until(
    'all schedules have ended',
    async () => {
      const { rows } = await pool
        .query('select 1 from errand.schedules where next_at is not null or held_for is not null limit 1')
        // Postgres was away a moment ago.
        .catch(() => ({ rows: [null] }));
      return rows.length === 0;
    },
    300_000,
  );
}

/** Ends all schedules where they are: what they have handled can be compared with the times until then. */
export async function endAll(pool: Pool): Promise<void> {
  await pool.query('update errand.schedules set revision = revision + 1, next_at = null, due_at = null');
}
