import type { State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { IS_LIVE } from '../submit/live_runner.ts';
import { COLUMNS, type ScheduleAtNow, SHOWN_SETTINGS, type StoredSchedule, withSettings } from './read.ts';

/** The unfinished tasks of a schedule that an explanation names. */
const MAX_OPEN = 5;

/** The facts that an explanation needs beside the history. */
export type ScheduleStanding = ScheduleAtNow & {
  hasLiveRunner: boolean;
  openTasks: { id: string; state: State }[];
};

/**
 * A schedule, whether a runner is up, and its oldest unfinished tasks. Uses the primary key, runners_live_idx and
 * tasks_schedule_open_idx.
 */
export async function readStanding(database: Database, id: string): Promise<ScheduleStanding> {
  type Row = StoredSchedule & {
    now: string;
    found: string | null;
    has_live_runner: boolean;
    open_tasks: { id: string; state: State }[];
  };
  const { rows } = await database.query<Row>({
    name: 'read_schedule_standing',
    text: `
      select errand.schedule_now() as now, s.id as found, ${COLUMNS}, ${SHOWN_SETTINGS},
             exists (select
                       from errand.runners r
                      where ${IS_LIVE}) as has_live_runner,
             (select coalesce(json_agg(json_build_object('id', t.id, 'state', t.state) order by t.id), '[]')
                from (select id, state
                        from errand.tasks
                       where schedule_id = $1 and finished_at is null
                       order by id
                       limit ${MAX_OPEN}) t) as open_tasks
        from (select) always
        left join errand.schedules s on s.id = $1`,
    values: [id],
  });
  const [row] = rows;
  if (row === undefined) throw new Error('Postgres returned no row for a query that always has one');
  const { now, found, has_live_runner: hasLiveRunner, open_tasks: openTasks, ...schedule } = row;
  return {
    now: new Date(now),
    schedule: found === null ? null : withSettings(schedule),
    hasLiveRunner,
    openTasks,
  };
}
