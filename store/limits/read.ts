import type { Database } from '../database/pool.ts';

/** Counting the holders and the waiters of a limit stops here. */
export const LIMIT_READ_LIMIT = 10_000;

/** More definitions of a limit are not named. */
const NAMED_DEFINITIONS = 20;

/** The settings of operators, and the author of their last change. */
export type LimitSetting = {
  /** Whether `limit` replaces the declared value. */
  has_limit: boolean;
  limit: number | null;
  paused: boolean;
  actor: string | null;
  at: string;
  reason: string | null;
};

/** The times of a rate. At most `burst` attempts start in any `window_seconds`, so at most `limit` in a period. */
export type StoredRate = {
  period_seconds: number;
  /** Null: no limit. */
  burst: number | null;
  window_seconds: number;
  /** The starts of the last `window_seconds`; of a rate with keys those of all keys. */
  starts: number;
  starts_is_capped: boolean;
};

/** A limit as on the wire. Of a limit with keys, the values hold for each key. Times are ISO 8601. */
export type StoredLimit = {
  name: string;
  namespace: string;
  kind: 'concurrency' | 'rate';
  is_keyed: boolean;
  rate: StoredRate | null;
  /** The value that holds. Null: no limit. */
  limit: number | null;
  paused: boolean;
  /** Null if no registered definition has it. */
  declared: number | null;
  /** Definitions that have it and that the caller may see. */
  definitions: string[];
  setting: LimitSetting | null;
  holders: number;
  holders_is_capped: boolean;
  waiters: number;
  waiters_is_capped: boolean;
  /** When the task was due that waits the longest, of those that were counted. */
  oldest_waiter_since: string | null;
};

/** A limit and what its caller may not see. */
export type FoundLimit = StoredLimit & {
  /** Whether all its definitions are in the namespaces of the caller, so that its keys are theirs. */
  shows_keys: boolean;
};

/** Whether a row of errand.limits is a limit: it is declared, or it waits for a definition that declares it. */
export const IS_LIMIT = '(declared_slots is not null or set_at is not null)';

/** Which definitions have a limit. */
const USES = `
  uses as materialized (
    select r.limit_name, r.definition as name, r.namespace, r.is_keyed,
           $1::text[] is null or r.namespace = any ($1) as is_seen
      from errand.limit_rules() r
  ),
  used as materialized (
    select limit_name, bool_or(is_keyed) as is_keyed, bool_or(is_seen) as is_seen, bool_and(is_seen) as is_own,
           array_agg(namespace) as namespaces,
           coalesce((array_agg(name order by name) filter (where is_seen))[1:${NAMED_DEFINITIONS}], '{}') as definitions
      from uses
     group by limit_name
  )`;

/**
 * The counts of a limit `l`, by the primary key of slots and limit_waits_next_idx. The orders make them scans
 * of these indexes that stop at the limit of the count, whatever the planner expects.
 */
export const COUNTS = `
   cross join lateral (
     select count(*) as holders
       from (select
               from errand.limit_slots s
              where s.limit_name = l.name
              order by s.limit_name, s.key, s.task_id, s.dispatch_id, s.runner_id
              limit ${LIMIT_READ_LIMIT} + 1) s) held
   cross join lateral (
     select count(*) as waiters, min(w.run_at) as oldest
       from (select w.run_at
               from errand.limit_waits w
              where w.limit_name = l.name
              order by w.limit_name, w.key, w.turn_key, w.rank, w.place_at, w.task_id
              limit ${LIMIT_READ_LIMIT} + 1) w) waits`;

/**
 * The value of a limit `l` that holds while it is not paused, null without a limit; and of a rate its burst, its
 * window and its starts in the last window, by limit_starts_key_idx.
 */
const VALUES = `
   cross join lateral (
     select case when l.declared_slots is not null and not l.is_unlimited then coalesce(l.set_slots, l.declared_slots) end as slots) value
    left join lateral (
     select case when value.slots is not null then least(l.burst, value.slots) end as burst,
            errand.rate_window(coalesce(value.slots, 1), l.period_ms, case when value.slots is null then 1 else l.burst end) as width
    ) rate on l.period_ms is not null
    left join lateral (
     select coalesce(sum(o.starts), 0) as starts
       from (select o.starts
               from errand.limit_starts o
              where o.limit_name = l.name and o.bucket_end > clock_timestamp() - rate.width
              order by o.limit_name, o.key, o.bucket_end
              limit ${LIMIT_READ_LIMIT} + 1) o) started on l.period_ms is not null`;

const SHOWN = `
  select l.name, split_part(l.name, '.', 1) as namespace,
         case when l.period_ms is null then 'concurrency' else 'rate' end as kind,
         case when l.period_ms is not null
              then json_build_object('period_seconds', l.period_ms / 1000.0, 'burst', rate.burst,
                                     'window_seconds', errand.duration_ms(rate.width) / 1000,
                                     'starts', least(started.starts, ${LIMIT_READ_LIMIT}),
                                     'starts_is_capped', started.starts > ${LIMIT_READ_LIMIT}) end as rate,
         coalesce(used.is_keyed, false) as is_keyed,
         value.slots as "limit",
         l.is_paused as paused, l.declared_slots as declared, coalesce(used.definitions, '{}') as definitions,
         case when l.set_at is not null
              then json_build_object('has_limit', l.is_unlimited or l.set_slots is not null, 'limit', l.set_slots,
                                     'paused', l.is_paused, 'actor', l.set_by, 'at', errand.iso_time(l.set_at),
                                     'reason', l.set_reason) end as setting,
         least(held.holders, ${LIMIT_READ_LIMIT}) as holders, held.holders > ${LIMIT_READ_LIMIT} as holders_is_capped,
         least(waits.waiters, ${LIMIT_READ_LIMIT}) as waiters, waits.waiters > ${LIMIT_READ_LIMIT} as waiters_is_capped,
         waits.oldest as oldest_waiter_since,
         -- Without a definition nobody knows whose keys they were.
         $1::text[] is null or coalesce(used.is_own and split_part(l.name, '.', 1) = any ($1), false) as shows_keys`;

const IS_SEEN = `($1::text[] is null or split_part(l.name, '.', 1) = any ($1) or coalesce(used.is_seen, false))`;

/** Which limits a page has. `namespaces` null: all. */
export type LimitsAsked = {
  namespaces: readonly string[] | null;
  /** Only limits of this namespace, and those that its definitions share. */
  namespace?: string | undefined;
  paused?: boolean | undefined;
  /** Those that have waiters now, or those that have none. */
  waiting?: boolean | undefined;
  /** Only limits after this name. */
  after?: string | undefined;
};

/**
 * A page of the limits in these namespaces, and of those that definitions in these namespaces share, by name. Reads
 * all limits and definitions, which are as many as people write, and at most LIMIT_READ_LIMIT holders and waiters of
 * each limit of the page.
 */
export async function listLimits(
  database: Database,
  { namespaces, namespace, paused, waiting, after }: LimitsAsked,
  size: number,
): Promise<{ limits: StoredLimit[]; more: boolean }> {
  const { rows } = await database.query<FoundLimit>({
    name: 'list_limits',
    text: `
      with ${USES},
      page as materialized (
        select l.*
          from errand.limits l
          left join used on used.limit_name = l.name
         where ${IS_LIMIT} and ${IS_SEEN}
           and l.name > coalesce($2, '')
           and ($3::boolean is null or l.is_paused = $3)
           and ($4::boolean is null or exists (select from errand.limit_waits w where w.limit_name = l.name) = $4)
           and ($6::text is null or split_part(l.name, '.', 1) = $6 or coalesce($6 = any (used.namespaces), false))
         order by l.name
         limit $5
      )${SHOWN}
        from page l
        left join used on used.limit_name = l.name${VALUES}${COUNTS}
       order by l.name`,
    values: [namespaces, after ?? null, paused ?? null, waiting ?? null, size + 1, namespace ?? null],
  });
  const limits = rows.slice(0, size).map(({ shows_keys: _, ...limit }) => limit);
  return { limits, more: rows.length > size };
}

/** One limit; null if there is none with this name that the caller may see. */
export async function readLimit(
  database: Database,
  name: string,
  namespaces: readonly string[] | null,
): Promise<FoundLimit | null> {
  const { rows } = await database.query<FoundLimit>({
    name: 'read_limit',
    text: `
      with ${USES}${SHOWN}
        from errand.limits l
        left join used on used.limit_name = l.name${VALUES}${COUNTS}
       where l.name = $2 and ${IS_LIMIT} and ${IS_SEEN}`,
    values: [namespaces, name],
  });
  return rows[0] ?? null;
}
