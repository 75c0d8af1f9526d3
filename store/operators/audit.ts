import type { Database } from '../database/pool.ts';

/** An act of an operator: the principal, the reason, and the request. */
export type Act = {
  actor: string;
  reason: string | null;
  requestId: string | null;
  /** The id of the task of the bulk operation that it belongs to. */
  bulk?: string;
};

/** The values of the placeholders of a statement with an audit row, in this order. */
export function actValues({ actor, reason, requestId, bulk }: Act): unknown[] {
  return [actor, reason, requestId, bulk === undefined ? null : { bulk }];
}

/** An audit entry as on the wire. Times are ISO 8601. */
export type AuditEntry = {
  id: number;
  at: string;
  actor: string;
  action: string;
  task_id: string | null;
  namespace: string | null;
  target: string | null;
  reason: string | null;
  request_id: string | null;
  details: Record<string, unknown> | null;
};

export type AuditFilter = {
  taskId?: string | undefined;
  /** The entry of this bulk operation, and those of the tasks that it changed. */
  bulkId?: string | undefined;
  namespaces?: readonly string[] | undefined;
  /** The caller, who may see its own acts that belong to no namespace. */
  self: string;
  actor?: string | undefined;
  action?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  /** Only entries before this one. */
  before?: number | undefined;
};

/**
 * The acts of operators, newest first: at most `size` entries, and whether more follow. A bulk
 * operation is one entry, without those of its tasks, unless these are asked for (by task, bulk
 * operation or action), or the caller may not see that entry. Uses audit_folded_idx, or
 * audit_task_id_idx, audit_bulk_idx, audit_namespace_id_idx and audit_actor_id_idx.
 */
export async function listAudit(
  database: Database,
  filter: AuditFilter,
  size: number,
): Promise<{ entries: AuditEntry[]; more: boolean }> {
  const { taskId, bulkId, action, namespaces } = filter;
  const isFolded = taskId === undefined && bulkId === undefined && action === undefined;
  const folded = namespaces === undefined ? `and ${NO_MEMBER}` : `and (${NO_MEMBER} or actor <> $9)`;
  const { rows } = await database.query<AuditEntry>(
    `select id, at, actor, action, task_id, namespace, target, reason, request_id, details
       from errand.audit
      where ($1::uuid is null or task_id = $1)
        and ($2::text[] is null or namespace = any ($2) or (namespace is null and actor = $9))
        and ($3::text is null or actor = $3)
        and ($4::text is null or action = $4)
        and ($5::timestamptz is null or at >= $5)
        and ($6::timestamptz is null or at < $6)
        and ($7::bigint is null or id < $7)
        and ($10::text is null or details ? 'bulk' and details ->> 'bulk' = $10)
        ${isFolded ? folded : ''}
      order by id desc
      limit $8`,
    [
      filter.taskId,
      filter.namespaces,
      filter.actor,
      filter.action,
      filter.from,
      filter.to,
      filter.before,
      size + 1,
      filter.self,
      filter.bulkId,
    ],
  );
  return { entries: rows.slice(0, size), more: rows.length > size };
}

/** Excludes the entries of single tasks of a bulk operation. */
const NO_MEMBER = `(details ? 'bulk' and task_id is not null) is not true`;

/**
 * Deletes entries that are older than `days`, at most `limit`, and gives the number. Uses
 * audit_at_idx.
 */
export async function deleteOldAudit(database: Database, days: number, limit: number): Promise<number> {
  const { rowCount } = await database.query(
    `delete from errand.audit
      where id in (select id
                     from errand.audit
                    where at < now() - make_interval(days => $1)
                    order by at
                    limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
