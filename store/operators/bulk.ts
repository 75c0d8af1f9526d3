import type { Database } from '../database/pool.ts';
import { fromRanges, newValues, type TaskFilter, type Values, where } from '../tasks/filter.ts';
import { searchPayloads } from '../tasks/search.ts';
import { endOfWalk, type More, usualWalk, type WalkOptions, walkOf } from '../tasks/walks.ts';
import { type Act, actValues } from './audit.ts';

/** A step of a bulk operation: `size` tasks after the task `after`, in the order of ids. */
export type BulkStep = { after: string | null; size: number };

/** How many tasks with a tag one step looks at. */
const LOOKS_OF_STEP = 20_000;

/** The tasks of a step, and where the next one starts; null if there are no others. */
export type BulkPart = { ids: string[]; next: string | null };

/**
 * The next tasks that match a filter, oldest first. With `bulkId`, the id of the task of a bulk
 * operation, it finds only tasks that existed, and had their state, before that operation:
 * otherwise a task that fails again would be retried forever. Uses the indexes of lists. By payload or
 * tag, a step looks at a bounded number of tasks, and may find none although others follow.
 */
export async function findMatching(
  database: Database,
  filter: TaskFilter,
  step: BulkStep,
  bulkId: string | null = null,
): Promise<BulkPart> {
  const beyond: More = (values, id) => bulkConditions(step, bulkId, values, id);
  if (filter.payload !== undefined && filter.payload.length > 0) {
    const found = await searchPayloads(database, filter, { order: 'asc', beyond, size: step.size });
    const isAll = found.ids.length === found.matched;
    return { ids: found.ids, next: isAll ? found.next : (found.ids.at(-1) ?? null) };
  }
  const values = newValues();
  const options = { ...stepWalk(filter, step, bulkId), more: beyond, order: 'asc' } as const;
  const walk = walkOf(filter, values, options);
  const size = values.add(step.size);
  const matching = fromRanges(
    filter,
    values,
    walk,
    (range) => `
      select ${walk.id} as id
        from ${walk.from} ${where([...range, ...walk.conditions])}
       order by ${walk.id}
       limit ${size}`,
  );
  const { rows } = await database.query<{ id: string }>(
    `${matching.with}
     select m.id from ${matching.from} m order by m.id limit ${size}`,
    values.list,
  );
  const ids = rows.map(({ id }) => id);
  const end =
    options.most === undefined || ids.length === step.size
      ? null
      : await endOfWalk(database, filter, options);
  return { ids, next: end ?? ids.at(-1) ?? null };
}

/** A step without an operation is the only one, so it must find all. */
function stepWalk(
  filter: TaskFilter,
  { size }: BulkStep,
  bulkId: string | null,
): Pick<WalkOptions, 'by' | 'most'> {
  if (usualWalk(filter) === 'tasks') return { by: 'tasks' };
  return bulkId === null ? { by: 'tag and others' } : { by: 'tag', most: LOOKS_OF_STEP + size };
}

function bulkConditions(
  { after }: BulkStep,
  bulkId: string | null,
  values: Values,
  id: string,
): ReturnType<More> {
  const ids = after === null ? [] : [`${id} > ${values.add(after)}::uuid`];
  if (bulkId === null) return { ids };
  const bulk = values.add(bulkId);
  return {
    ids: [...ids, `${id} < ${bulk}::uuid`],
    rows: [`coalesce(t.finished_at < errand.uuid_time(${bulk}::uuid), true)`],
  };
}

/**
 * How many tasks a bulk operation has changed. The audit row of each change is written by the same
 * statement, so an operation that continues after a crash knows the number. Uses audit_bulk_idx.
 */
export async function countChanged(database: Database, bulkId: string): Promise<number> {
  const { rows } = await database.query<{ count: number }>({
    name: 'count_changed',
    text: `
      select count(*) as count
        from errand.audit
       where details ? 'bulk' and details ->> 'bulk' = $1 and task_id is not null`,
    values: [bulkId],
  });
  return rows[0]?.count ?? 0;
}

/**
 * The error groups of the tasks that failed again with the same error, the number of open ones, and
 * the time since the last was retried.
 */
export type CanaryStanding = { again: string[]; open: number; waitedMs: number };

/**
 * The state of the first `size` tasks that a bulk retry has retried. The audit trail has these
 * tasks and their earlier errors. Uses audit_bulk_idx.
 */
export async function readCanary(database: Database, bulkId: string, size: number): Promise<CanaryStanding> {
  const { rows } = await database.query<CanaryStanding>({
    name: 'read_canary',
    text: `
      with first as (
        select a.task_id, a.at, a.details ->> 'error_group' as had_group
          from errand.audit a
         where a.details ? 'bulk' and a.details ->> 'bulk' = $1 and a.task_id is not null
         order by a.id
         limit $2
      )
      select coalesce(array_agg(now.error_group) filter (where now.error_group = first.had_group), '{}') as again,
             count(*) filter (where t.state not in ('succeeded', 'failed', 'cancelled', 'resolved', 'expired')) as open,
             coalesce(extract(epoch from now() - max(first.at)) * 1000, 0)::float8 as "waitedMs"
        from first
        join errand.tasks t on t.id = first.task_id
       cross join lateral (
               select case when t.state = 'retrying' then errand.error_group(t.name, t.error) else t.error_group end as error_group) now`,
    values: [bulkId, size],
  });
  return rows[0] ?? { again: [], open: 0, waitedMs: 0 };
}

/** Writes the audit row of a bulk operation with its parameters. */
export async function auditBulk(
  database: Database,
  action: 'bulk_retry' | 'bulk_cancel',
  act: Act,
  details: Record<string, unknown>,
): Promise<void> {
  await database.query({
    name: 'audit_bulk',
    text: `
      insert into errand.audit (actor, action, reason, request_id, details)
      values ($1, $5, $2, $3, $6::jsonb || coalesce($4::jsonb, '{}'))`,
    values: [...actValues(act), action, JSON.stringify(details)],
  });
}
