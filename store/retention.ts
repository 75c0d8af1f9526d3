import type { Database } from './pool.ts';

/**
 * Deletes finished tasks, with their attempts, logs and children, that are older than the retention of their definition,
 * or than `defaultHours`. Deletes `limit` at most and gives how many. Several runners may call it at once: each
 * skips what another is deleting. Relies on tasks_name_finished_at_idx.
 */
export async function deleteExpired(
  database: Database,
  defaultHours: number,
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
                  select t.id
                    from errand.tasks t
                   where t.name = d.name
                     and t.parent_id is null
                     and t.finished_at < now() - make_interval(
                           secs => 3600 * coalesce((d.policy ->> 'retentionHours')::float8, $1))
                   order by t.finished_at
                   limit $2
                     for update skip locked) expired
                where d.workflow is null
                limit $2)`,
    values: [defaultHours, limit],
  });
  return rowCount ?? 0;
}

/** Deletes registrations that ended so long ago that no kept task can name them. Gives how many. */
export async function deleteEndedRunners(database: Database, hours: number): Promise<number> {
  const { rowCount } = await database.query(
    `delete from errand.runners
      where ended_at < now() - make_interval(secs => 3600 * $1)`,
    [hours],
  );
  return rowCount ?? 0;
}
