import type { Pool } from 'pg';
import { submittable } from '../../../core/registration/submittable.ts';
import { firstTime } from '../../../core/schedules/plan.ts';
import { type ScheduleSettings, settingsSchema } from '../../../core/schedules/settings.ts';
import { submissionOf } from '../../../core/schedules/submission.ts';
import type { TaskDefinition } from '../../../core/task.ts';
import { until } from '../../support/until.ts';
import { work } from '../crash/fixtures/tasks.ts';

/** A schedule whose times are the multiples of an interval, until it ends. */
export type MadeSchedule = {
  id: string;
  everySecs: number;
  /** Whether its settings make it submit every time, whatever happens. */
  runsAll: boolean;
  endsAt: Date;
};

export type Wanted = Omit<MadeSchedule, 'endsAt'> & { settings: Partial<ScheduleSettings> };

/** Stores schedules of the fixture that does nothing for long, which all end at the same time. */
export async function makeSchedules(
  pool: Pool,
  wanted: readonly Wanted[],
  forMs: number,
): Promise<MadeSchedule[]> {
  const { rows } = await pool.query<{ now: string }>('select errand.schedule_now() as now');
  const now = new Date(String(rows[0]?.now));
  const endsAt = new Date(now.getTime() + forMs);
  for (const { id, settings: given } of wanted) {
    const settings = settingsSchema.parse({
      task: work.name,
      payload: { ms: 1 },
      ends_at: endsAt.toISOString(),
      ...given,
    });
    const { nextAt, dueAt } = firstTime({ id, settings, now, lastAt: null, overdue: null });
    await pool.query(
      `insert into errand.schedules (id, task, origin, settings, submission, next_at, due_at)
       values ($1, $2, 'api', $3, $4, $5, $6)`,
      [
        ...[id, work.name, JSON.stringify(settings)],
        JSON.stringify(submissionOf(id, settings, submittable(work as unknown as TaskDefinition))),
        ...[nextAt, dueAt],
      ],
    );
  }
  return wanted.map(({ id, everySecs, runsAll }) => ({ id, everySecs, runsAll, endsAt }));
}

/** Waits until all times are handled. */
export async function ended(pool: Pool): Promise<void> {
  await until(
    'all schedules have ended',
    async () => {
      const { rows } = await pool.query(
        'select from errand.schedules where next_at is not null or held_for is not null limit 1',
      );
      return rows.length === 0;
    },
    300_000,
  );
}
