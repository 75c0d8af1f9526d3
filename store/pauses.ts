import type { Database } from './pool.ts';

/** The channel on which runners hear that something was paused or resumed; the payload is the target. */
export const PAUSE_CHANNEL = 'errand_pause';

/** Reads what is paused: namespaces and task names, in order. The table is nearly always empty, and never large. */
export async function readPauses(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ target: string }>({
    name: 'read_pauses',
    text: 'select target from errand.pauses order by target',
  });
  return rows.map(({ target }) => target);
}
