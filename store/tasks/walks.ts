import type { Database } from '../database/pool.ts';
import {
  idConditions,
  namingConditions,
  newValues,
  rowConditions,
  type TaskFilter,
  tagConditions,
  type Values,
  type Walk,
  type WalkBy,
  where,
} from './filter.ts';

/** More conditions: on the id, which stands in the column `id`, and on a task called `t`. */
export type More = (values: Values, id: string) => { ids: string[]; rows?: string[] };

/** No more conditions. */
export const NOTHING_MORE: More = () => ({ ids: [] });

/**
 * A walk in the order of ids, newest first if `order` is not given. With `most` it ends after so many
 * tasks with the tag, or so many errors, whether they match the other conditions or not. A walk of errors
 * needs it.
 */
export type WalkOptions = { by: WalkBy; more: More; most?: number; order?: 'asc' | 'desc' };

/** The walk of a statement that reads what is left: by tag, unless the tasks are the children of one. */
export function usualWalk({ tag, parentId }: TaskFilter): 'tasks' | 'tag' {
  return tag === undefined || parentId !== undefined ? 'tasks' : 'tag';
}

/**
 * The SQL of a walk. Postgres would choose between an index that has the order and one that finds all
 * matches, by statistics that know neither which tasks are the newest nor which conditions go together.
 */
export function walkOf(filter: TaskFilter, values: Values, options: WalkOptions): Walk {
  const { by, more } = options;
  const { of, id, table } = rootOf(filter, values, by);
  const { ids, rows = [] } = more(values, id);
  const first = [...of, ...idConditions(filter, values, id), ...ids];
  const rest = [...rowConditions(filter, values), ...rows];
  if (by === 'tasks')
    return { by, id, from: table, conditions: [...first, ...tagConditions(filter, values), ...rest] };
  rest.push(...namingConditions(filter, values));
  if (by === 'errors') {
    const conditions = [...tagConditions(filter, values), ...rest];
    return { by, id, from: `(${part('t.*', table, first, id, options)}) t`, conditions };
  }
  if (by === 'tag and others') {
    const from = `${table} join errand.tasks t on t.id = tagged.task_id`;
    // Planned for all rows: for a page of them Postgres would expect the first matches soon.
    const matching = `with matching as materialized (select ${id} from ${from} ${where([...first, ...rest])})`;
    return { by, id, from: `(${matching} select * from matching) tagged`, conditions: [] };
  }
  const { most } = options;
  const tagged = most === undefined ? table : `(${part(id, table, first, id, options)}) tagged`;
  // One look by the primary key for each: a join would let Postgres read the complete table.
  const look = 'cross join lateral (select o.* from errand.tasks o where o.id = tagged.task_id limit 1) t';
  const from = rest.length === 0 ? tagged : `${tagged} ${look}`;
  return { by, id, from, conditions: [...(most === undefined ? first : []), ...rest] };
}

/**
 * The id at which a walk with `most` ends; null if there are fewer tasks with the tag, or fewer errors.
 * Uses the index of the walk alone.
 */
export async function endOfWalk(
  database: Database,
  filter: TaskFilter,
  { by, more, most = 1, order = 'desc' }: WalkOptions,
): Promise<string | null> {
  const values = newValues();
  const { of, id, table } = rootOf(filter, values, by);
  const conditions = [...of, ...idConditions(filter, values, id), ...more(values, id).ids];
  const { rows } = await database.query<{ id: string }>(
    `select ${id} as id from ${table} ${where(conditions)} order by ${id} ${order} limit 1 offset ${values.add(most - 1)}`,
    values.list,
  );
  return rows[0]?.id ?? null;
}

/** The relation that a walk begins with, its id, and the conditions on it. */
function rootOf(filter: TaskFilter, values: Values, by: WalkBy): { table: string; id: string; of: string[] } {
  if (by === 'tasks') return { table: 'errand.tasks t', id: 't.id', of: [] };
  if (by === 'errors') return { table: 'errand.tasks t', id: 't.id', of: ['t.error is not null'] };
  return {
    table: 'errand.task_tags tagged',
    id: 'tagged.task_id',
    of: [`tagged.tag = ${values.add(filter.tag)}`],
  };
}

function part(
  columns: string,
  table: string,
  conditions: string[],
  id: string,
  { most, order = 'desc' }: WalkOptions,
): string {
  const limit = most === undefined ? '' : `limit ${most}`;
  return `select ${columns} from ${table} ${where(conditions)} order by ${id} ${order} ${limit}`;
}
