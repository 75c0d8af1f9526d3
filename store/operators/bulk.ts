import type { Database } from '../database/pool.ts';
import {
  fromRanges,
  newValues,
  rowConditions,
  type TaskFilter,
  type Values,
  where,
} from '../tasks/filter.ts';
import { searchPayloads } from '../tasks/search.ts';
import { type Act, actValues } from './audit.ts';

/** A step of a bulk operation: `size` tasks after the task `after`, in the order of ids. */
export type BulkStep = { after: string | null; size: number };

/** The tasks of a step, and where the next one starts; null if there are no others. */
export type BulkPart = { ids: string[]; next: string | null };

/**
 * The next tasks that match a filter, oldest first. With `bulkId`, the id of the task of a bulk
 * operation, it finds only tasks that existed, and had their state, before that operation:
 * otherwise a task that fails again would be retried forever. Uses the indexes of lists. By payload,
 * a step looks at a bounded number of tasks, and may find none although others follow.
 */
export async function findMatching(
  database: Database,
  filter: TaskFilter,
  step: BulkStep,
  bulkId: string | null = null,
): Promise<BulkPart> {
  const beyond = (values: Values): string[] => bulkConditions(step, bulkId, values);
  if (filter.payload !== undefined && filter.payload.length > 0) {
    const found = await searchPayloads(database, filter, { order: 'asc', beyond, size: step.size });
    const isAll = found.ids.length === found.matched;
    return { ids: found.ids, next: isAll ? found.next : (found.ids.at(-1) ?? null) };
  }
  const values = newValues();
  const conditions = [...rowConditions(filter, values), ...beyond(values)];
  const size = values.add(step.size);
  const matching = fromRanges(
    filter,
    values,
    (range) => `
      select t.id from errand.tasks t ${where([...range, ...conditions])} order by t.id limit ${size}`,
  );
  const { rows } = await database.query<{ id: string }>(
    `${matching.with}
     select m.id from ${matching.from} m order by m.id limit ${size}`,
    values.list,
  );
  const ids = rows.map(({ id }) => id);
  return { ids, next: ids.at(-1) ?? null };
}

function bulkConditions({ after }: BulkStep, bulkId: string | null, values: Values): string[] {
  const conditions = after === null ? [] : [`t.id > ${values.add(after)}::uuid`];
  if (bulkId === null) return conditions;
  const bulk = values.add(bulkId);
  return [
    ...conditions,
    `t.id < ${bulk}::uuid`,
    `coalesce(t.finished_at < errand.uuid_time(${bulk}::uuid), true)`,
  ];
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
