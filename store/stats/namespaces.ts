import type { Database } from '../database/pool.ts';
import { isHeldBy } from '../tasks/pauses.ts';

/** Counting stops here: beyond it the exact number does not matter. */
export const QUEUE_DEPTH_LIMIT = 10_000;

/** How much of a namespace waits to be executed. */
export type QueueDepth = {
  /** Attempts that are due and have no outcome yet, up to the limit of the count. */
  depth: number;
  /** Whether there are more than `depth`. */
  isCapped: boolean;
  /** How long the oldest counted attempt has been due; 0 if none waits. */
  oldestWaitSecs: number;
  /** Of these attempts those that only a runner is missing for: neither a pause nor a limit holds them. */
  ready: number;
  /** How long the oldest of them has been due; 0 if there is none. */
  oldestReadySecs: number;
};

/**
 * The queue depth of each namespace, counting tasks with these names: queued tasks, and scheduled
 * and retrying tasks that are due. A due workflow does not count, because its first steps are due
 * then. An attempt that has just started counts too, because only attempts that last are written as
 * running. Reads at most `limit` + 1 rows of each namespace, however large the table is. Uses
 * tasks_name_state_id_idx and tasks_due_idx, and the primary key of errand.limit_waits.
 */
export function readQueueDepths(
  database: Database,
  names: readonly string[],
  limit = QUEUE_DEPTH_LIMIT,
): Promise<Map<string, QueueDepth>> {
  return readDepths(database, 'namespace', names, limit);
}

/** The same for each name. */
export function readNameDepths(
  database: Database,
  names: readonly string[],
): Promise<Map<string, QueueDepth>> {
  return readDepths(database, 'name', names, QUEUE_DEPTH_LIMIT);
}

/** The SQL of the group that a name belongs to. */
const GROUPS = { namespace: "split_part(name, '.', 1)", name: 'name' };

async function readDepths(
  database: Database,
  by: keyof typeof GROUPS,
  names: readonly string[],
  limit: number,
): Promise<Map<string, QueueDepth>> {
  const { rows } = await database.query<{ key: string } & QueueDepth>({
    name: `read_queue_depths_by_${by}`,
    // The orders make each part a range of its index, whatever the planner expects. The states are
    // written out because the second index is a partial one.
    text: `
      select known.key, counted.*
        from (select ${GROUPS[by]} as key, array_agg(name) as names
                from unnest($1::text[]) as given (name)
               group by 1) known
       cross join lateral (
         select least(count(*) filter (where waiting.is_waiting), $2::bigint) as depth,
                count(*) > $2 as "isCapped",
                coalesce(errand.duration_ms(now() - min(waiting.run_at) filter (where waiting.is_waiting)) / 1000, 0) as "oldestWaitSecs",
                least(count(*) filter (where waiting.is_ready), $2::bigint) as ready,
                coalesce(errand.duration_ms(now() - min(waiting.run_at) filter (where waiting.is_ready)) / 1000, 0) as "oldestReadySecs"
           from (
             select due.run_at, due.is_waiting,
                    due.is_waiting and not named.is_paused
                      and not exists (select from errand.limit_waits w where w.task_id = due.id and w.called_at is null) as is_ready
               from (select given.name, exists (select from errand.pauses p where ${isHeldBy('given.name', 'p.target')}) as is_paused
                       from unnest(known.names) as given (name)) named
              cross join lateral (
                (select t.id, t.run_at, true as is_waiting
                   from errand.tasks t
                  where t.name = named.name and t.state = 'queued'
                  order by t.id
                  limit $2 + 1)
                union all
                (select t.id, t.run_at, t.pending = 0
                   from errand.tasks t
                  where t.name = named.name and t.state in ('scheduled', 'retrying') and t.run_at <= now()
                  order by t.run_at
                  limit $2 + 1)
              ) due
              limit $2 + 1
           ) waiting
       ) counted`,
    values: [names, limit],
  });
  return new Map(rows.map(({ key, ...depth }) => [key, depth]));
}
