import type { Database } from './pool.ts';

/** Counting stops here: what waits beyond it is much, however much it is. */
export const QUEUE_DEPTH_LIMIT = 10_000;

/** How much of a namespace waits to be executed. */
export type QueueDepth = {
  /** Attempts that are due and have no outcome yet, up to QUEUE_DEPTH_LIMIT. */
  depth: number;
  /** Whether there are more than `depth`. */
  isCapped: boolean;
  /** How long the oldest of those counted has been due. 0 when nothing waits. */
  oldestWaitSecs: number;
};

/** One more, which tells that there are more. */
const READ = QUEUE_DEPTH_LIMIT + 1;

/**
 * How much waits per namespace, of the tasks with these names: queued, scheduled and retrying ones that are due.
 * An attempt that has just started counts too, because that is written only of those that last. Reads at most
 * QUEUE_DEPTH_LIMIT + 1 rows of each namespace, whatever the table holds, by tasks_name_state_id_idx and
 * tasks_due_idx.
 */
export async function readQueueDepths(
  database: Database,
  names: readonly string[],
): Promise<Map<string, QueueDepth>> {
  const { rows } = await database.query<{ namespace: string } & QueueDepth>({
    name: 'read_queue_depths',
    // The orders make each a range of its index, whatever the planner thinks of the table. The states are spelled
    // out because the second index is a partial one.
    text: `
      select known.namespace, counted.*
        from (select split_part(name, '.', 1) as namespace, array_agg(name) as names
                from unnest($1::text[]) as given (name)
               group by 1) known
       cross join lateral (
         select least(count(*), ${QUEUE_DEPTH_LIMIT}) as depth,
                count(*) > ${QUEUE_DEPTH_LIMIT} as "isCapped",
                coalesce(extract(epoch from now() - min(waiting.run_at)), 0)::float8 as "oldestWaitSecs"
           from (
             select due.run_at
               from unnest(known.names) as named (name)
              cross join lateral (
                (select t.run_at
                   from errand.tasks t
                  where t.name = named.name and t.state = 'queued'
                  order by t.id
                  limit ${READ})
                union all
                (select t.run_at
                   from errand.tasks t
                  where t.name = named.name and t.state in ('scheduled', 'retrying') and t.run_at <= now()
                  order by t.run_at
                  limit ${READ})
              ) due
              limit ${READ}
           ) waiting
       ) counted`,
    values: [names],
  });
  return new Map(rows.map(({ namespace, ...depth }) => [namespace, depth]));
}
