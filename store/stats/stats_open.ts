import type { State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { NAMES_IN_SCOPE, type Scope, scopeValues } from './stats.ts';

/** Counting stops here for each name and state: beyond it the exact number does not matter. */
export const OPEN_LIMIT = 100_000;

/** The states in which a task has not finished. */
export const UNFINISHED = [
  'scheduled',
  'waiting',
  'queued',
  'running',
  'retrying',
] as const satisfies readonly State[];

/** How many tasks are in each of these states. */
export type Open = {
  states: Record<(typeof UNFINISHED)[number], number>;
  /** Whether one of the states has more. */
  isCapped: boolean;
};

/**
 * How many tasks have not finished, for each name in scope that has any. Reads at most OPEN_LIMIT +
 * 1 entries of each name and state, only from tasks_name_state_id_idx, however large the table is.
 */
export async function countOpen(database: Database, scope: Scope): Promise<Map<string, Open>> {
  type Row = { name: string; state: (typeof UNFINISHED)[number]; tasks: number };
  const { rows } = await database.query<Row>({
    name: 'count_open',
    text: `
      with ${NAMES_IN_SCOPE}
      select names.name, states.state, counted.tasks
        from names
       cross join unnest($3::text[]) as states (state)
       cross join lateral (
         select count(*) as tasks
           from (select
                   from errand.tasks t
                  where t.name = names.name and t.state = states.state
                  -- The order keeps it a range of the index, whatever the planner expects.
                  order by t.id
                  limit $4::integer + 1) open
       ) counted
       where counted.tasks > 0`,
    values: [...scopeValues(scope), UNFINISHED, OPEN_LIMIT],
  });
  const open = new Map<string, Open>();
  for (const { name, state, tasks } of rows) {
    const ofName = open.get(name) ?? noneOpen();
    ofName.states[state] = Math.min(tasks, OPEN_LIMIT);
    ofName.isCapped ||= tasks > OPEN_LIMIT;
    open.set(name, ofName);
  }
  return open;
}

/** The figures of a name without open tasks. */
export function noneOpen(): Open {
  return { states: { scheduled: 0, waiting: 0, queued: 0, running: 0, retrying: 0 }, isCapped: false };
}
