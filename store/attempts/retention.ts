import type { Database } from '../database/pool.ts';

/** How long finished tasks are kept if their definition does not say it. */
export type RetentionHours = { finished: number; failed: number };

/**
 * Deletes finished tasks whose retention is over, with their attempts, logs and children. Failed
 * tasks have a separate retention, because they may be retried; they are never deleted before the
 * other tasks of their name, unless their definition says so. Cancelled, expired and resolved tasks count
 * like succeeded ones. Deletes at most `limit` and gives the number. Concurrent calls skip what
 * another one is deleting. Uses tasks_name_finished_at_idx, which includes the state: failed tasks
 * that are kept are skipped in it.
 */
export async function deleteExpired(
  database: Database,
  { finished, failed }: RetentionHours,
  limit: number,
): Promise<number> {
  const { rowCount } = await database.query({
    name: 'delete_expired',
    text: `
      delete from errand.tasks
       where id in (
               select expired.id
                 from errand.definitions d
                cross join lateral (
                  select coalesce((d.policy ->> 'retentionHours')::float8, $1) as finished,
                         (d.policy ->> 'failedRetentionHours')::float8 as failed) hours
                cross join lateral (values
                  ('{succeeded,cancelled,expired,resolved}'::text[], hours.finished),
                  ('{failed}'::text[], coalesce(hours.failed, greatest($2, hours.finished)))) kept (states, hours)
                cross join lateral (
                  select t.id
                    from errand.tasks t
                   where t.name = d.name
                     and t.parent_id is null
                     and t.state = any (kept.states)
                     and t.finished_at < now() - make_interval(secs => 3600 * kept.hours)
                   order by t.finished_at
                   limit $3
                     for update skip locked) expired
                where d.workflow is null
                limit $3)`,
    values: [finished, failed, limit],
  });
  return rowCount ?? 0;
}

/**
 * Deletes the registrations of runners that ended more than `hours` ago. The caller gives so many hours
 * that no kept task names these runners. Gives the number of registrations.
 */
export async function deleteEndedRunners(database: Database, hours: number): Promise<number> {
  const { rowCount } = await database.query(
    `delete from errand.runners
      where ended_at < now() - make_interval(secs => 3600 * $1)`,
    [hours],
  );
  return rowCount ?? 0;
}
