import type { Pool } from 'pg';

/**
 * Pauses a namespace or task name as the API does. If `isNotified` is false, the notification is
 * lost.
 */
export async function pause(pool: Pool, target: string, isNotified = true): Promise<void> {
  await pool.query(
    `with p as (insert into errand.pauses (target, actor) values ($1, 'a test') returning target)
     select pg_notify(errand.channel('pause'), target) from p where $2`,
    [target, isNotified],
  );
}

/** Resumes it. */
export async function resume(pool: Pool, target: string, isNotified = true): Promise<void> {
  await pool.query(
    `with p as (delete from errand.pauses where target = $1 returning target)
     select pg_notify(errand.channel('pause'), target) from p where $2`,
    [target, isNotified],
  );
}
