import type { ErrorRecord } from '../../core/errors.ts';
import { isoTime } from '../database/iso_time.ts';
import type { Database } from '../database/pool.ts';
import { NOT_DISMISSED } from '../tasks/tasks.ts';

/** The maximum number of groups: nobody can read more kinds of errors. */
const MAX_ERROR_GROUPS = 1_000;
/** The maximum count of a group: above it, the exact number does not matter. */
const COUNT_LIMIT = 10_000;
/** How many changes one round adds up: it takes less than a second. */
const CHANGES_AT_A_TIME = 50_000;

/**
 * Whether a group needs somebody. `regressed`: an operator resolved it, and a task has failed with it
 * since.
 */
export const ERROR_GROUP_STATUSES = ['open', 'regressed', 'resolved', 'ignored'] as const;
export type ErrorGroupStatus = (typeof ERROR_GROUP_STATUSES)[number];

/** The groups to list. `namespaces` are those that the caller may see. */
export type ErrorGroupFilter = {
  name?: string | undefined;
  namespaces?: readonly string[] | undefined;
  /** With a failure at or after this time, as ISO 8601. */
  since?: string | undefined;
  statuses?: readonly ErrorGroupStatus[] | undefined;
};

/** Failures with the same cause, as on the wire. Times are ISO 8601. */
export type ErrorGroup = {
  /** The value for the filter `error_group`. */
  error_group: string;
  name: string;
  namespace: string;
  error_type: string;
  /** The message of the newest failure. */
  message: string;
  /** How many tasks are failed with it now, up to COUNT_LIMIT. */
  count: number;
  count_is_capped: boolean;
  first_seen: string;
  last_seen: string;
  /** The versions at the submission of its oldest and its newest task. */
  first_version: string;
  last_version: string;
  status: ErrorGroupStatus;
  /** The decision of an operator, null for an open group. */
  decision: { decided_at: string; actor: string; reason: string | null } | null;
  example: { task_id: string; attempt: number; error: ErrorRecord };
};

/**
 * The error groups of all failed tasks, the group with the latest failure first: at most
 * MAX_ERROR_GROUPS, and whether there are more. A retried or dismissed task leaves its group. It skips through
 * tasks_error_group_idx from group to group, in the ranges of the given namespaces or name, and reads
 * the first and the last failure of each from tasks_error_group_finished_idx, and its count from
 * errand.error_counts and errand.error_count_changes. So the cost depends on the number of groups, not
 * on the tasks in them.
 */
export async function listErrorGroups(
  database: Database,
  filter: ErrorGroupFilter,
): Promise<{ groups: ErrorGroup[]; more: boolean }> {
  const ranges = rangesOf(filter);
  const { rows } = await database.query<ErrorGroup & { more: boolean }>({
    name: 'list_error_groups',
    text: LIST_GROUPS,
    values: [
      ...[ranges.map(([low]) => low), ranges.map(([, high]) => high)],
      ...[MAX_ERROR_GROUPS + 1, COUNT_LIMIT, filter.since ?? null, filter.statuses ?? null],
    ],
  });
  const groups = rows.map(({ more: _, ...group }) => ({
    ...group,
    // Times within JSON come as Postgres writes them.
    decision: group.decision && { ...group.decision, decided_at: isoTime(group.decision.decided_at) },
  }));
  return { groups: groups.slice(0, MAX_ERROR_GROUPS), more: rows.some(({ more }) => more) };
}

/**
 * A group is `name:hash`. In byte order '/' follows '.', ';' follows ':', and '{' follows all
 * letters.
 */
function rangesOf(filter: ErrorGroupFilter): [string, string][] {
  const { name, namespaces } = filter;
  if (name !== undefined) {
    const isVisible = namespaces === undefined || namespaces.some((one) => name.startsWith(`${one}.`));
    return isVisible ? [[`${name}:`, `${name};`]] : [];
  }
  if (namespaces === undefined) return [['', '{']];
  return [...new Set(namespaces)].map((namespace) => [`${namespace}.`, `${namespace}/`]);
}

/** The time of the first or the last failure of a group: one entry of tasks_error_group_finished_idx. */
function seenAt(order: 'asc' | 'desc'): string {
  return `(select t.finished_at
              from errand.tasks t
             where t.error_group = known.error_group and ${NOT_DISMISSED}
             order by t.finished_at ${order}
             limit 1)`;
}

const LIST_GROUPS = `
  with recursive hop as (
    select given.high,
           (select t.error_group
              from errand.tasks t
             where t.error_group > given.low and t.error_group < given.high and ${NOT_DISMISSED}
             order by t.error_group
             limit 1) as error_group
      from unnest($1::text[], $2::text[]) as given (low, high)
     union all
    select hop.high,
           (select t.error_group
              from errand.tasks t
             where t.error_group > hop.error_group and t.error_group < hop.high and ${NOT_DISMISSED}
             order by t.error_group
             limit 1)
      from hop
     where hop.error_group is not null
  ),
  known as materialized (
    select error_group from hop where error_group is not null limit $3
  ),
  -- Postgres does not know how many there are.
  changed as materialized (
    select c.error_group, sum(c.change) as tasks from errand.error_count_changes c group by c.error_group
  )
  select known.error_group, newest.name, split_part(newest.name, '.', 1) as namespace,
         newest.error ->> 'error_type' as error_type, newest.error ->> 'message' as message,
         least(counted.count, $4::bigint) as count, counted.count > $4 as count_is_capped,
         seen.first_seen, seen.last_seen,
         oldest.version as first_version, newest.version as last_version, judged.status,
         case when decided.error_group is not null
              then json_build_object('decided_at', decided.decided_at, 'actor', decided.actor, 'reason', decided.reason)
         end as decision,
         json_build_object('task_id', newest.id, 'attempt', newest.attempt, 'error', newest.error) as example,
         (select count(*) from known) >= $3 as more
    from known
    left join changed on changed.error_group = known.error_group
   cross join lateral (
     select greatest(1, coalesce(changed.tasks, 0)
                        + coalesce((select c.tasks from errand.error_counts c where c.error_group = known.error_group), 0)
                    )::bigint as count
   ) counted
   cross join lateral (
     select ${seenAt('asc')} as first_seen, ${seenAt('desc')} as last_seen
   ) seen
   cross join lateral (
     select t.id, t.name, t.version, t.attempt, t.error
       from errand.tasks t
      where t.error_group = known.error_group and ${NOT_DISMISSED}
      order by t.id desc
      limit 1
   ) newest
   cross join lateral (
     select t.version
       from errand.tasks t
      where t.error_group = known.error_group and ${NOT_DISMISSED}
      order by t.id
      limit 1
   ) oldest
    left join errand.error_groups decided on decided.error_group = known.error_group
   cross join lateral (
     select case when decided.status is null then 'open'
                 when decided.status = 'resolved' and seen.last_seen > decided.decided_at then 'regressed'
                 else decided.status end as status
   ) judged
   where ($5::timestamptz is null or seen.last_seen >= $5)
     and ($6::text[] is null or judged.status = any ($6))
   order by seen.last_seen desc, known.error_group`;

/**
 * Adds up which tasks have entered and left groups of errors since the last time, at most
 * CHANGES_AT_A_TIME, and gives how many. errand.count_error notes them in the transaction that changes a
 * task, so a count is right before and after this statement, which moves it from one table to the other.
 * Calls at the same time each take their own changes. After a crash before the commit nothing has moved.
 */
export async function sumUpErrors(database: Database): Promise<number> {
  const { rows } = await database.query<{ taken: number }>({
    name: 'sum_up_errors',
    text: `
      with taken as (
        delete from errand.error_count_changes
         where id = any (array(select c.id from errand.error_count_changes c order by c.id limit $1 for update skip locked))
        returning error_group, change
      ),
      -- In the same order everywhere, so that statements cannot deadlock.
      added as (
        insert into errand.error_counts as known (error_group, tasks)
        select error_group, sum(change) from taken group by error_group order by error_group
            on conflict (error_group) do update set tasks = known.tasks + excluded.tasks
      )
      select count(*) as taken from taken`,
    values: [CHANGES_AT_A_TIME],
  });
  const taken = rows[0]?.taken ?? 0;
  // Rows of groups that have no task any more. One that gets a task at the same time stays.
  if (taken > 0) await database.query('delete from errand.error_counts where tasks = 0');
  return taken;
}
