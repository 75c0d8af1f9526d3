import type { Database } from './pool.ts';

/** Who does something as an operator, why, and by which request. */
export type Act = {
  actor: string;
  reason: string | null;
  requestId: string | null;
  /** The bulk operation that it is part of: the id of its task. */
  bulk?: string;
};

/** The values of the placeholders that a statement with an audit row takes, in this order. */
export function actValues({ actor, reason, requestId, bulk }: Act): unknown[] {
  return [actor, reason, requestId, bulk === undefined ? null : { bulk }];
}

/** What was done, as the wire has it; times are ISO 8601. */
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
  namespaces?: readonly string[] | undefined;
  /** Who asks: what it did itself, and belongs to no namespace, it may see. */
  self: string;
  actor?: string | undefined;
  action?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  /** Only entries before this one. */
  before?: number | undefined;
};

/**
 * What operators did, newest first, `size` entries at most and whether more follow. Relies on the primary key, or on
 * audit_task_id_idx, audit_namespace_id_idx and audit_actor_id_idx.
 */
export async function listAudit(
  database: Database,
  filter: AuditFilter,
  size: number,
): Promise<{ entries: AuditEntry[]; more: boolean }> {
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
    ],
  );
  return { entries: rows.slice(0, size), more: rows.length > size };
}

/** Deletes entries that are older than `days`, `limit` at most, and gives how many. Relies on audit_at_idx. */
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
