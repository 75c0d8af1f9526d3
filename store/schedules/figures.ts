import { GRACE_SECONDS } from '../../core/schedules/settings.ts';
import type { Database } from '../database/pool.ts';

/** Counting stops here: beyond it the exact number does not matter. */
const FIGURES_LIMIT = 10_000;

/** How many schedules there are in each state, up to 10,000 of those that run and of the others. */
export type ScheduleFigures = {
  states: Record<'active' | 'paused' | 'broken' | 'ended', number>;
  /** Those whose time has been due for longer than the grace, so that nobody seems to fire it. */
  overdue: number;
  /** How long the longest due time has been due; 0 if none is due. */
  oldestOverdueSecs: number;
};

/**
 * Reads them in one statement. Only indexes are read: schedules_due_idx for those that run, and
 * schedules_idle_idx for the others, at most 10,001 entries of each.
 */
export async function readScheduleFigures(
  database: Database,
  limit = FIGURES_LIMIT,
): Promise<ScheduleFigures> {
  const { rows } = await database.query<Row>({
    name: 'read_schedule_figures',
    text: READ_FIGURES,
    values: [GRACE_SECONDS, limit],
  });
  const { active = 0, paused = 0, broken = 0, ended = 0, overdue = 0, oldest = 0 } = rows[0] ?? {};
  return { states: { active, paused, broken, ended }, overdue, oldestOverdueSecs: oldest };
}

type Row = ScheduleFigures['states'] & { overdue: number; oldest: number };

/** Those with a time to come, the longest due ones first: a count that ends early has these. */
const RUNNING = `
  select count(*) as active,
         count(*) filter (where due_at < errand.schedule_now() - make_interval(secs => $1)) as overdue,
         greatest(0, errand.duration_ms(errand.schedule_now() - min(due_at)) / 1000) as oldest
    from (select due_at from errand.schedules where due_at is not null order by due_at limit $2) due`;

/** The others. One whose last time waits for the end of an earlier run is still active. */
const IDLE = `
  select count(*) filter (where broken_at is not null) as broken,
         count(*) filter (where broken_at is null and paused_at is not null) as paused,
         count(*) filter (where broken_at is null and paused_at is null and held_for is not null) as held,
         count(*) filter (where broken_at is null and paused_at is null and held_for is null) as ended
    from (select broken_at, paused_at, held_for
            from errand.schedules
           where due_at is null
           order by broken_at, paused_at, held_for
           limit $2) idle`;

const READ_FIGURES = `
  select (running.active + idle.held)::integer as active, idle.paused::integer as paused,
         idle.broken::integer as broken, idle.ended::integer as ended, running.overdue::integer as overdue,
         coalesce(running.oldest, 0)::float8 as oldest
    from (${RUNNING}) running
   cross join (${IDLE}) idle`;
