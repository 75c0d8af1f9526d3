import type { Database } from '../database/pool.ts';

/** A key of a limit. */
export type KeyOfLimit = { limit_name: string; key: string };

/** Before all keys. */
export const FIRST_KEY: KeyOfLimit = { limit_name: '', key: '' };

/** Whether any task waits for a slot. Without limits this table is empty. */
export async function hasLimitWaits(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ waits: boolean }>({
    name: 'has_limit_waits',
    text: 'select exists (select from errand.limit_waits) as waits',
  });
  return rows[0]?.waits === true;
}

/**
 * Calls who waits for a slot though there is room, for the next thousand keys after this one. Gives
 * the key after which the next call continues; null after the last one. See errand.repair_limits.
 */
export async function repairLimits(database: Database, after: KeyOfLimit): Promise<KeyOfLimit | null> {
  const { rows } = await database.query<KeyOfLimit>({
    name: 'repair_limits',
    text: 'select limit_name, key from errand.repair_limits($1, $2)',
    values: [after.limit_name, after.key],
  });
  return rows[0] ?? null;
}

/**
 * Frees the slots of runners that are no longer live. The statements that end runners do it
 * themselves: this is for rows of runners that somebody has deleted or ended by hand.
 */
export async function freeSlotsOfEnded(database: Database): Promise<void> {
  await database.query({
    name: 'free_slots_of_ended',
    text: `
      select errand.free_slots_of(array_agg(distinct s.runner_id))
        from errand.limit_slots s
       where not exists (select from errand.runners r where r.id = s.runner_id and r.ended_at is null)
      having count(*) > 0`,
  });
}

/** The maximum of one call. */
const BATCH = 10_000;

/** Removes the rows of keys that nothing uses, and starts that no rate counts any more. */
export async function deleteUnusedKeys(database: Database): Promise<void> {
  await database.query({ name: 'delete_forgotten_starts', text: DELETE_FORGOTTEN, values: [BATCH] });
  await database.query({
    name: 'delete_unused_limit_keys',
    text: `
      delete from errand.limit_keys k
       using (select k.limit_name, k.key
                from errand.limit_keys k
               where k.call_at is null
                 and (k.held_until > now()) is not true
                 and not exists (select from errand.limit_slots s where s.limit_name = k.limit_name and s.key = k.key)
                 and not exists (select from errand.limit_waits w where w.limit_name = k.limit_name and w.key = k.key)
               limit $1
                 for update skip locked) unused
       where k.limit_name = unused.limit_name and k.key = unused.key`,
    values: [BATCH],
  });
}

/**
 * It reads all starts: about sixty for each key that was used in its last period. Rows that somebody deletes
 * with the lock of their key are left to him, so nobody waits in a circle.
 */
const DELETE_FORGOTTEN = `
  delete from errand.limit_starts
   where ctid = any (array(
           select s.ctid
             from errand.limit_starts s
             left join errand.limits l on l.name = s.limit_name and l.period_ms is not null
            where l.name is null
               or s.bucket_end < clock_timestamp() - errand.rate_window(l.slots, l.period_ms, l.burst)
            limit $1
              for update of s skip locked))`;
