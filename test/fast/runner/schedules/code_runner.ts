import type { Pool } from 'pg';
import { pino } from 'pino';
import { beforeEach } from 'vitest';
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

export const task = defineTask({
  ...{ name: 'mail.send', version: '1.0.0', description: 'For a test' },
  ...{ payload: z.object({ to: z.string().default('all') }), example: {} },
});
/** Only time tells whether its payload fits. */
export const slow = defineTask({
  ...{ name: 'mail.slow', version: '1.0.0', description: 'For a test', example: {} },
  payload: z.object({ to: z.string().default('all') }).refine(async ({ to }) => to === 'all', 'is not all'),
});

/** A schedule in code: every night, unless something else is given. */
export const schedule = (given: Partial<ScheduleInput<typeof task>> & { id: string }): ScheduleDefinition =>
  defineSchedule({ task, payload: {}, cron: '30 2 * * *', ...given } as ScheduleInput<typeof task>);

export const owned = (project: string | null): Ownership => ({ project, ownerOf: () => project });

/** A runner by its row alone, with schedules in its code. */
type CodeRunner = { id: number; registration: ScheduleRegistration; end(): Promise<void> };

/** Makes rows of live runners that register schedules. Before each test all are gone, with their schedules. */
export function codeRunners(pool: Pool) {
  let lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => lines.push(line) });
  beforeEach(async () => {
    lines = [];
    await pool.query('truncate errand.schedules, errand.schedule_runs');
    await pool.query(
      `update errand.runners set ended_at = now(), end_reason = 'stopped' where ended_at is null`,
    );
  });
  return {
    /** What was logged, as JSON. */
    lines: () => lines,
    /** Starts a live runner with these schedules in its code. It registers them, unless that is left out. */
    async start(
      schedules: readonly ScheduleDefinition[],
      { project = 'shop', register = true }: { project?: string | null; register?: boolean } = {},
    ): Promise<CodeRunner> {
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
    },
    /** The ids of the stored schedules. */
    async ids(): Promise<string[]> {
      const { rows } = await pool.query<{ id: string }>('select id from errand.schedules order by id');
      return rows.map(({ id }) => id);
    },
  };
}
