import type { Database } from '../database/pool.ts';
import { IS_LIVE } from '../submit/live_runner.ts';

/** Schedules that do not do what their authors expect. Durations are in seconds. */
export type ScheduleFacts = {
  /** How many times have been due for longer than asked, and the schedules that are due the longest. */
  overdue: { schedules: number; oldestSecs: number | null; ids: string[] };
  broken: { id: string; seconds: number; why: string }[];
  /** Paused for longer than a month. */
  paused: { id: string; actor: string | null; reason: string | null; seconds: number }[];
  /** Tasks of schedules with a time to come that no live runner has. */
  withoutRunner: { task: string; ids: string[]; schedules: number }[];
};

/** More of a kind are not named. */
const MAX_NAMED = 20;

/**
 * Reads them. Uses schedules_due_idx and schedules_idle_idx; for the tasks it reads all schedules with a
 * time to come once. A time counts as overdue after `overdueSecs`.
 */
export async function readScheduleFacts(database: Database, overdueSecs: number): Promise<ScheduleFacts> {
  const { rows: overdue } = await database.query<ScheduleFacts['overdue']>(OVERDUE, [overdueSecs]);
  const { rows: broken } = await database.query<ScheduleFacts['broken'][number]>(BROKEN);
  const { rows: paused } = await database.query<ScheduleFacts['paused'][number]>(PAUSED);
  const { rows: withoutRunner } =
    await database.query<ScheduleFacts['withoutRunner'][number]>(WITHOUT_RUNNER);
  return {
    overdue: overdue[0] ?? { schedules: 0, oldestSecs: null, ids: [] },
    ...{ broken, paused, withoutRunner },
  };
}

const OVERDUE = `
  select count(*)::integer as schedules,
         extract(epoch from errand.schedule_now() - min(due_at))::float8 as "oldestSecs",
         coalesce((array_agg(id order by due_at, id))[1:${MAX_NAMED}], '{}') as ids
    from errand.schedules
   where due_at < errand.schedule_now() - make_interval(secs => $1)`;

const BROKEN = `
  select id, extract(epoch from now() - broken_at)::float8 as seconds, broken as why
    from errand.schedules
   where due_at is null and broken_at is not null
   order by broken_at, id
   limit ${MAX_NAMED}`;

const PAUSED = `
  select id, paused_by as actor, pause_reason as reason, extract(epoch from now() - paused_at)::float8 as seconds
    from errand.schedules
   where due_at is null and paused_at < now() - interval '30 days'
   order by paused_at, id
   limit ${MAX_NAMED}`;

const WITHOUT_RUNNER = `
  select s.task, count(*)::integer as schedules, (array_agg(s.id order by s.id))[1:5] as ids
    from errand.schedules s
   where s.due_at is not null
     and not exists (
           select from errand.runners r
            where ${IS_LIVE}
              and s.task = any (r.task_names))
   group by s.task
   order by s.task
   limit ${MAX_NAMED}`;
