import type { Database } from '../database/pool.ts';

/**
 * Whether a task name or a namespace exists or existed: registered, or in the ledger. Uses the
 * primary key of errand.definitions and tasks_name_state_id_idx. '/' follows '.', so `a.` to `a/`
 * is the range of the namespace `a`.
 */
export async function isKnown(database: Database, kind: 'name' | 'namespace', key: string): Promise<boolean> {
  const { rows } = await database.query<{ is_known: boolean }>({
    name: `is_known_${kind}`,
    text:
      kind === 'name'
        ? `select exists (select from errand.definitions d where d.name = $1)
               or exists (select from errand.tasks t where t.name = $1) as is_known`
        : `select exists (select from errand.definitions d where d.name > $1 || '.' and d.name < $1 || '/')
               or exists (select from errand.tasks t where t.name > $1 || '.' and t.name < $1 || '/') as is_known`,
    values: [key],
  });
  return rows[0]?.is_known ?? false;
}
