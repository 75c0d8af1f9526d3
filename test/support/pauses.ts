import type { Pool } from 'pg';
import { PAUSE_CHANNEL } from '../../store/pauses.ts';

/** Pauses a namespace or task name as the API does. With `isHeard` false nobody is told: the notification got lost. */
export async function pause(pool: Pool, target: string, isHeard = true): Promise<void> {
  await pool.query(
    `with p as (insert into errand.pauses (target, actor) values ($1, 'a test') returning target)
     select pg_notify($2, target) from p where $3`,
    [target, PAUSE_CHANNEL, isHeard],
  );
}

/** Resumes it. */
export async function resume(pool: Pool, target: string, isHeard = true): Promise<void> {
  await pool.query(
    `with p as (delete from errand.pauses where target = $1 returning target)
     select pg_notify($2, target) from p where $3`,
    [target, PAUSE_CHANNEL, isHeard],
  );
}
