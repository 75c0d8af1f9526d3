import type { Pool } from 'pg';
import { pino } from 'pino';
import { createEvents } from '../../runner/record/events.ts';
import { startScheduler } from '../../runner/schedules/scheduler.ts';
import { until } from './until.ts';

const log = pino({ level: 'silent' });

/** Stops the clock of schedules of a database at a time. */
export async function stopClock(pool: Pool, time: string): Promise<void> {
  const at = new Date(time).toISOString();
  await pool.query(
    `create or replace function errand.schedule_now() returns timestamptz
       language sql stable parallel safe return '${at}'::timestamptz`,
  );
}

/** Lets a runner handle everything that is due. */
export async function handleDue(pool: Pool): Promise<void> {
  const scheduler = startScheduler({ pool, events: createEvents(log), log });
  try {
    await until('nothing is due', async () => {
      const { rows } = await pool.query(
        'select from errand.schedules where due_at <= errand.schedule_now() limit 1',
      );
      return rows.length === 0;
    });
  } finally {
    await scheduler.close();
  }
}
