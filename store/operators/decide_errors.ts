import type { Database } from '../database/pool.ts';
import { NOT_DISMISSED } from '../tasks/tasks.ts';
import { type Act, actValues } from './audit.ts';

/** The decisions about a group of errors, with the name of each in the audit trail. */
export const DECISIONS = {
  resolve: 'resolve_errors',
  ignore: 'ignore_errors',
  reopen: 'reopen_errors',
} as const;
export type Decision = keyof typeof DECISIONS;

/** Whether the group exists, and whether the decision changed it. */
export type Decided = { is_known: boolean; changed: boolean };

/**
 * Decides about a group of errors: resolved until it fails again, ignored, or open. A group exists if
 * a task has failed with it, or if it was decided about. `changed` is false if it has that status
 * already. A resolution of a group that has failed since is a change. Uses the primary key of
 * errand.error_groups, tasks_error_group_idx and tasks_error_group_finished_idx.
 */
export async function decideErrors(
  database: Database,
  errorGroup: string,
  decision: Decision,
  act: Act,
): Promise<Decided> {
  const { rows } = await database.query<Decided>({
    name: `decide_errors_${decision}`,
    text: `
      with known as materialized (
        select exists (select from errand.error_groups g where g.error_group = $5)
               or exists (select from errand.tasks t where t.error_group = $5 and ${NOT_DISMISSED}) as is_known
      ),
      changed as (${CHANGES[decision]}),
      audited as (
        insert into errand.audit (actor, action, namespace, target, reason, request_id, details)
        select $1, '${DECISIONS[decision]}', split_part($5, '.', 1), left($5, strpos($5, ':') - 1), $2, $3,
               jsonb_build_object('error_group', $5::text) || coalesce($4::jsonb, '{}')
          from changed
      )
      select known.is_known, exists (select from changed) as changed from known`,
    values: [...actValues(act), errorGroup],
  });
  return rows[0] ?? { is_known: false, changed: false };
}

/** A resolved group that has failed since is resolved again. */
const HAS_REGRESSED = `
  exists (select
            from errand.tasks t
           where t.error_group = $5 and ${NOT_DISMISSED} and t.finished_at > errand.error_groups.decided_at)`;

function decided(status: 'resolved' | 'ignored', isChange: string): string {
  return `
        insert into errand.error_groups (error_group, status, actor, reason)
        select $5, '${status}', $1, $2 from known where is_known
        on conflict (error_group) do update
           set status = excluded.status, decided_at = now(), actor = excluded.actor, reason = excluded.reason
         where ${isChange}
        returning error_group`;
}

const CHANGES: Record<Decision, string> = {
  resolve: decided('resolved', `errand.error_groups.status <> 'resolved' or ${HAS_REGRESSED}`),
  ignore: decided('ignored', `errand.error_groups.status <> 'ignored'`),
  reopen: 'delete from errand.error_groups where error_group = $5 returning error_group',
};

/**
 * Deletes decisions that are older than `days`, at most `limit`, about groups without failures, and
 * gives the number. Uses error_groups_decided_at_idx.
 */
export async function deleteOldDecisions(database: Database, days: number, limit: number): Promise<number> {
  const { rowCount } = await database.query(
    `delete from errand.error_groups
      where error_group in (
              select g.error_group
                from errand.error_groups g
               where g.decided_at < now() - make_interval(days => $1)
                 and not exists (select from errand.tasks t where t.error_group = g.error_group and ${NOT_DISMISSED})
               order by g.decided_at
               limit $2)`,
    [days, limit],
  );
  return rowCount ?? 0;
}
