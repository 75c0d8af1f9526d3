import type { Database } from '../database/pool.ts';

/** How long tasks of a name typically take, in ms: from due to start, and from start to end. */
export type TypicalDurations = { name: string; waitMs: number; processingMs: number };

/** The hours that say what is typical. */
const HOURS = 24;

/**
 * The means of the tasks that succeeded lately, for each registered name that has some. A task with steps has no
 * wait. Uses the primary key of errand.rollups: a range for each name.
 */
export async function readTypicalDurations(database: Database): Promise<TypicalDurations[]> {
  const { rows } = await database.query<TypicalDurations>({
    name: 'read_typical_durations',
    text: `
      select d.name, coalesce(sums.wait, 0) as "waitMs", sums.processing as "processingMs"
        from errand.definitions d
       cross join lateral (
         select sum(r.ms) filter (where r.measure = 'wait') / nullif(sum(r.tasks) filter (where r.measure = 'wait'), 0) as wait,
                sum(r.ms) filter (where r.measure = 'processing') / nullif(sum(r.tasks) filter (where r.measure = 'processing'), 0) as processing
           from errand.rollups r
          where r.name = d.name and r.minutes = 60
            and r.starts_at >= date_bin('1 hour', now(), 'epoch') - make_interval(hours => ${HOURS})
            and r.state = 'succeeded' and r.bucket >= 0) sums
       where sums.processing is not null`,
  });
  return rows;
}
