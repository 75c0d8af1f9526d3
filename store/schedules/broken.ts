import type { Database } from '../database/pool.ts';

/** Longer words would be those of an endless error message. */
const MAX_WORDS = 2_000;

/**
 * Marks a schedule as broken, if its row is as it was read: its times are no longer handled until it is mended.
 * `why` says so in words. Gives whether it was marked. Uses the primary key.
 */
export async function markBroken(
  database: Database,
  { id, revision }: { id: string; revision: number },
  why: string,
): Promise<boolean> {
  const { rowCount } = await database.query({
    name: 'mark_schedule_broken',
    text: `
      update errand.schedules
         set revision = revision + 1,
             due_at = null,
             broken = $3,
             broken_at = errand.schedule_now(),
             updated_at = now()
       where id = $1 and revision = $2`,
    values: [id, revision, why.slice(0, MAX_WORDS)],
  });
  return rowCount === 1;
}
