import type { Database } from '../database/pool.ts';

/**
 * The SQL condition that a paused target holds a name: the target is the name itself, or its first
 * parts up to a dot, such as its namespace or the workflow of a step.
 */
export function isHeldBy(name: string, target: string): string {
  return `starts_with(${name} || '.', ${target} || '.')`;
}

/**
 * Reads the paused namespaces and task names, in order. The table is nearly always empty, and never
 * large.
 */
export async function readPauses(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ target: string }>({
    name: 'read_pauses',
    text: 'select target from errand.pauses order by target',
  });
  return rows.map(({ target }) => target);
}
