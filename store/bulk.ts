import { type Act, actValues } from './audit.ts';
import { fromRanges, newValues, rowConditions, type TaskFilter, where } from './filter.ts';
import type { Database } from './pool.ts';

/** Where a bulk operation is: what it changes after the task `after`, in the order of ids, `size` at a time. */
export type BulkStep = { after: string | null; size: number };

/**
 * The next tasks that match a filter, oldest first. Those of a bulk operation with a task of its own (`bulkId`) are only
 * those that were there, and in their state, before it: what it retries and fails again is not retried for ever.
 * Relies on the indexes that lists go by.
 */
export async function findMatching(
  database: Database,
  filter: TaskFilter,
  step: BulkStep,
  bulkId: string | null = null,
): Promise<string[]> {
  const values = newValues();
  const conditions = rowConditions(filter, values);
  if (step.after !== null) conditions.push(`t.id > ${values.add(step.after)}::uuid`);
  if (bulkId !== null) {
    const bulk = values.add(bulkId);
    conditions.push(`t.id < ${bulk}::uuid`);
    conditions.push(`coalesce(t.finished_at < uuid_extract_timestamp(${bulk}::uuid), true)`);
  }
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
  return rows.map(({ id }) => id);
}

/**
 * How many tasks a bulk operation has changed: each change is in the audit trail, written by the statement that made
 * it, so that one which is taken up again after a crash knows. Relies on audit_bulk_idx.
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

/** Writes into the audit trail that a bulk operation was asked for, and what with. */
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
