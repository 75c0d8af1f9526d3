import type { Database } from './pool.ts';

/** The channel on which runners hear that something was paused or resumed; the payload is the target. */
export const PAUSE_CHANNEL = 'errand_pause';

/**
 * The condition that a target, if it is paused, holds a name: it is that name or the parts of it from the first up to one
 * of its dots, such as its namespace, or the workflow of a step.
 */
export function isHeldBy(name: string, target: string): string {
  return `starts_with(${name} || '.', ${target} || '.')`;
}

/** Reads what is paused: namespaces and task names, in order. The table is nearly always empty, and never large. */
export async function readPauses(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ target: string }>({
    name: 'read_pauses',
    text: 'select target from errand.pauses order by target',
  });
  return rows.map(({ target }) => target);
}
