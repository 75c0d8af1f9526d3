import type { ErrorRecord } from '../core/errors.ts';
import type { State } from '../core/states.ts';
import type { Database } from './pool.ts';

/** A step or another child of a task, as those that go on from it see it. */
export type Child = {
  id: string;
  name: string;
  /** Null for one of a list. */
  step: string | null;
  state: State;
  skipped: boolean;
  result: unknown;
  error: ErrorRecord | null;
};

/**
 * What those that come after a task get as its result, of a relation of this alias: of one that was resolved by hand what
 * was given for it, without who did so and why.
 */
export function usable(alias: string): string {
  return `case ${alias}.state when 'resolved' then ${alias}.result -> 'result' else ${alias}.result end`;
}

/** The children of a task, in the order of their submission. Relies on tasks_parent_id_step_key. */
export async function readChildren(database: Database, parentId: string): Promise<Child[]> {
  const { rows } = await database.query<Child>({
    name: 'read_children',
    text: `
      select c.id, c.name, c.step, c.state, c.skipped, ${usable('c')} as result, c.error
        from errand.tasks c
       where c.parent_id = $1
       order by c.id`,
    values: [parentId],
  });
  return rows;
}

/** The results of the steps that a step comes after, by name, but of skipped ones. Relies on tasks_parent_id_step_key. */
export async function readResults(database: Database, stepId: string): Promise<Record<string, unknown>> {
  const { rows } = await database.query<{ step: string; result: unknown }>({
    name: 'read_results',
    text: `
      select b.step, ${usable('b')} as result
        from errand.tasks t
        join errand.tasks b on b.parent_id = t.parent_id and b.step = any (t.after)
       where t.id = $1 and not b.skipped`,
    values: [stepId],
  });
  return Object.fromEntries(rows.map(({ step, result }) => [step, result]));
}
