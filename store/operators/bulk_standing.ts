import type { State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';

/** Of a larger operation, this many of its tasks are looked at. */
export const STANDING_LIMIT = 10_000;

/** The tasks that a bulk operation has changed, by their states now, as on the wire. */
export type BulkStanding = {
  bulk_id: string;
  /** Its own entry in the audit trail. Null if the caller may not see it: then it changed tasks of the caller. */
  operation: { action: string; actor: string; reason: string | null; at: string } | null;
  /** How many tasks it has changed, up to STANDING_LIMIT. */
  changed: number;
  changed_is_capped: boolean;
  /** The states of these tasks now. */
  states: Partial<Record<State, number>>;
  /** How many of them retention has removed since. */
  removed: number;
};

/**
 * The tasks of a bulk operation by their states now; null if it is unknown, or the caller may see nothing of it.
 * `namespaces` limits the tasks, and `self` is the caller, who may see the caller's own acts. Uses
 * audit_bulk_idx, and the key of the tasks for at most STANDING_LIMIT of them.
 */
export async function readBulkStanding(
  database: Database,
  bulkId: string,
  namespaces: readonly string[] | null,
  self: string,
): Promise<BulkStanding | null> {
  const { rows } = await database.query<BulkStanding>({
    name: 'read_bulk_standing',
    text: BULK_STANDING,
    values: [bulkId, namespaces, self],
  });
  const [standing] = rows;
  if (standing === undefined || (standing.operation === null && standing.changed === 0)) return null;
  return standing;
}

/** The entry of the operation itself. It belongs to no namespace. */
const OPERATION = `
  operation as materialized (
    select a.action, a.actor, a.reason, a.at
      from errand.audit a
     where a.details ? 'bulk' and a.details ->> 'bulk' = $1 and a.task_id is null
       and ($2::text[] is null or a.actor = $3)
     limit 1
  )`;

/** The tasks that it has changed, one more than are counted. */
const MEMBER = `
  member as materialized (
    select a.task_id
      from errand.audit a
     where a.details ? 'bulk' and a.details ->> 'bulk' = $1 and a.task_id is not null
       and ($2::text[] is null or a.namespace = any ($2))
     limit ${STANDING_LIMIT + 1}
  )`;

const STANDING = `
  standing as materialized (
    select t.state, count(*) as tasks
      from (select task_id from member limit ${STANDING_LIMIT}) m
      left join errand.tasks t on t.id = m.task_id
     group by t.state
  )`;

const BULK_STANDING = `
  with ${[OPERATION, MEMBER, STANDING].join(',')}
  select $1 as bulk_id,
         (select json_build_object('action', action, 'actor', actor, 'reason', reason, 'at', errand.iso_time(at)) from operation) as operation,
         least((select count(*) from member), ${STANDING_LIMIT}) as changed,
         (select count(*) from member) > ${STANDING_LIMIT} as changed_is_capped,
         coalesce((select json_object_agg(state, tasks) from standing where state is not null), '{}') as states,
         coalesce((select tasks from standing where state is null), 0) as removed`;
