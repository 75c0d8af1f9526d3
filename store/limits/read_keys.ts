import { isoTime } from '../database/iso_time.ts';
import type { Database } from '../database/pool.ts';
import { LIMIT_READ_LIMIT } from './read.ts';

/** The busiest keys are looked for among so many. */
export const COMPARED_KEYS = 1_000;

/** Counting the holders and the waiters of a key stops here. */
export const KEY_READ_LIMIT = 1_000;

/** The maximum number of holders and of waiters that are named. */
export const NAMED_TASKS = 20;

/** A key as on the wire; the key of a limit without keys is empty. */
export type BusyKey = {
  key: string;
  holders: number;
  holders_is_capped: boolean;
  waiters: number;
  waiters_is_capped: boolean;
  /** When the task was due that waits the longest, of those that were counted. */
  oldest_waiter_since: string | null;
  /** Of a rate: the starts of its last window. Otherwise null. */
  starts: number | null;
  /** When the next attempt may start, as far as time decides. Null: now, or when a slot is free. */
  next_start_at: string | null;
};

const FIGURES = `
  select k.key, least(held.holders, ${KEY_READ_LIMIT}) as holders, held.holders > ${KEY_READ_LIMIT} as holders_is_capped,
         least(waits.waiters, ${KEY_READ_LIMIT}) as waiters, waits.waiters > ${KEY_READ_LIMIT} as waiters_is_capped,
         waits.oldest as oldest_waiter_since,
         case when l.period_ms is not null then started.starts end as starts,
         errand.next_limit_start($1, k.key) as next_start_at
    from keys k
    left join errand.limits l on l.name = $1
   cross join lateral (
     select count(*) as holders
       from (select
               from errand.limit_slots s
              where s.limit_name = $1 and s.key = k.key
              order by s.limit_name, s.key, s.task_id, s.dispatch_id, s.runner_id
              limit ${KEY_READ_LIMIT} + 1) s) held
   cross join lateral (
     select count(*) as waiters, min(w.run_at) as oldest
       from (select w.run_at
               from errand.limit_waits w
              where w.limit_name = $1 and w.key = k.key
              order by w.limit_name, w.key, w.turn_key, w.rank, w.place_at, w.task_id
              limit ${KEY_READ_LIMIT} + 1) w) waits
   cross join lateral (
     select coalesce(sum(o.starts), 0) as starts
       from errand.limit_starts o
      where l.period_ms is not null and o.limit_name = $1 and o.key = k.key
        and o.bucket_end > clock_timestamp() - errand.rate_window(l.slots, l.period_ms, l.burst)) started`;

/**
 * The busiest keys of a limit, those with the most waiters first, at most `size`. They are the busiest of the first
 * COMPARED_KEYS keys that tasks wait for, and of those of as many slots and starts; `isCapped` is whether there are more. Skips from key to key in limit_waits_next_idx, and reads at most KEY_READ_LIMIT entries of each.
 */
export async function readBusyKeys(
  database: Database,
  name: string,
  size: number,
): Promise<{ keys: BusyKey[]; isCapped: boolean }> {
  const { rows } = await database.query<BusyKey & { is_capped: boolean }>({
    name: 'read_busy_limit_keys',
    text: `
      with recursive waiting as (
        (select w.key, 1 as number
           from errand.limit_waits w
          where w.limit_name = $1
          order by w.limit_name, w.key
          limit 1)
        union all
        select following.key, waiting.number + 1
          from waiting
         cross join lateral (
           select w.key
             from errand.limit_waits w
            where w.limit_name = $1 and w.key > waiting.key
            order by w.limit_name, w.key
            limit 1) following
         where waiting.number <= ${COMPARED_KEYS}
      ),
      holding as materialized (
        select s.key
          from errand.limit_slots s
         where s.limit_name = $1
         order by s.limit_name, s.key, s.task_id, s.dispatch_id, s.runner_id
         limit ${COMPARED_KEYS} + 1
      ),
      starting as materialized (
        select o.key
          from errand.limit_starts o
         where o.limit_name = $1
         order by o.limit_name, o.key, o.bucket_end
         limit ${COMPARED_KEYS} + 1
      ),
      keys as (
        select key from waiting where number <= ${COMPARED_KEYS}
        union
        select key from holding
        union
        select key from starting
      ),
      seen as materialized (${FIGURES}
      )
      select seen.*,
             exists (select from waiting where number > ${COMPARED_KEYS})
               or (select count(*) > ${COMPARED_KEYS} from holding)
               or (select count(*) > ${COMPARED_KEYS} from starting) as is_capped
        from seen
       order by waiters desc, holders desc, starts desc nulls last, key
       limit $2`,
    values: [name, size],
  });
  return { keys: rows.map(({ is_capped: _, ...key }) => key), isCapped: rows[0]?.is_capped === true };
}

/** One key of a limit, also if nothing uses it. */
export async function readLimitKey(database: Database, name: string, key: string): Promise<BusyKey[]> {
  const { rows } = await database.query<BusyKey>({
    name: 'read_limit_key',
    text: `with keys as (select $2::text collate "C" as key)${FIGURES}`,
    values: [name, key],
  });
  return rows;
}

/** An attempt that holds a slot. */
export type HoldingTask = {
  id: string;
  name: string;
  step: string | null;
  key: string;
  runner_id: number;
  since: string;
};

/** A task that waits. `called_at`: a slot is kept for it, and it starts as soon as a runner has it. */
export type WaitingTask = {
  id: string;
  name: string;
  key: string;
  priority: number;
  /** When it was due. */
  since: string;
  called_at: string | null;
};

/** The tasks of a limit, or of one of its keys, as far as the caller may see them. */
export type LimitTasks = { holding: HoldingTask[]; waiting: WaitingTask[] };

/**
 * Those that have held their slots for the longest time, and the first of those that wait: of a key by priority and
 * due time, otherwise the longest due ones. At most NAMED_TASKS of each, of the first LIMIT_READ_LIMIT. Uses the
 * primary keys and limit_waits_next_idx.
 */
export async function readLimitTasks(
  database: Database,
  name: string,
  key: string | undefined,
  namespaces: readonly string[] | null,
): Promise<LimitTasks> {
  const ofKey = (alias: string): string => (key === undefined ? '' : `and ${alias}.key = $3`);
  const isSeen = (task: string): string => `($2::text[] is null or split_part(${task}, '.', 1) = any ($2))`;
  const { rows } = await database.query<LimitTasks>({
    name: `read_limit_tasks${key === undefined ? '' : '_of_key'}`,
    text: `
      select (select coalesce(json_agg(h), '[]')
                from (select t.id, t.name, t.step, s.key, s.runner_id, s.taken_at as since
                        from (select *
                                from errand.limit_slots s
                               where s.limit_name = $1 ${ofKey('s')}
                               order by s.limit_name, s.key, s.task_id, s.dispatch_id, s.runner_id
                               limit ${LIMIT_READ_LIMIT}) s
                        join errand.tasks t on t.id = s.task_id
                       where ${isSeen('t.name')}
                       order by s.taken_at, t.id
                       limit ${NAMED_TASKS}) h) as holding,
             (select coalesce(json_agg(w), '[]')
                from (select w.task_id as id, w.name, w.key, w.priority, w.run_at as since, w.called_at
                        from (select *
                                from errand.limit_waits w
                               where w.limit_name = $1 ${ofKey('w')}
                               order by w.limit_name, w.key, w.turn_key, w.rank, w.place_at, w.task_id
                               limit ${LIMIT_READ_LIMIT}) w
                       where ${isSeen('w.name')}
                       order by ${key === undefined ? 'w.run_at' : 'w.rank, w.place_at'}, w.task_id
                       limit ${NAMED_TASKS}) w) as waiting`,
    values: [name, namespaces, ...(key === undefined ? [] : [key])],
  });
  const { holding, waiting } = rows[0] ?? { holding: [], waiting: [] };
  return {
    // Times within JSON come as Postgres writes them.
    holding: holding.map((one) => ({ ...one, since: isoTime(one.since) })),
    waiting: waiting.map((one) => ({
      ...one,
      since: isoTime(one.since),
      called_at: one.called_at === null ? null : isoTime(one.called_at),
    })),
  };
}
