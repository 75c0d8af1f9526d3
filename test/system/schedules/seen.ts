import type { Pool } from 'pg';

/**
 * From now on remembers the time of each task of a schedule that is made, in `public.seen`: tasks and their records
 * can be deleted meanwhile.
 */
export async function rememberTimes(pool: Pool): Promise<void> {
  await pool.query(`
    create table public.seen (schedule_id text, scheduled_for timestamptz);
    create function public.see() returns trigger language plpgsql as $$
      begin
        insert into public.seen values (new.schedule_id, new.scheduled_for);
        return new;
      end $$;
    create trigger see after insert on errand.tasks for each row execute function public.see()`);
}

/** Deletes what retention would delete, however new it is. */
export async function deleteRecords(pool: Pool): Promise<void> {
  await pool.query('delete from errand.tasks where finished_at is not null');
  await pool.query('delete from errand.schedule_runs');
}

/** The times of all tasks that a schedule has made, in order; equal ones were made twice. */
export async function seenTimes(pool: Pool, id: string): Promise<string[]> {
  const { rows } = await pool.query<{ time: string }>(
    'select scheduled_for as time from public.seen where schedule_id = $1 order by scheduled_for',
    [id],
  );
  return rows.map(({ time }) => new Date(time).toISOString());
}
