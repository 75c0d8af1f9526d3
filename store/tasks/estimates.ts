import type { Database } from '../database/pool.ts';
import { allConditions, newValues, type TaskFilter, where } from './filter.ts';
import { usualWalk } from './walks.ts';

/**
 * If the other conditions of a filter with a tag have this many matches, looking at all of them for the
 * tag takes less than a tenth of a second.
 */
const FEW_OTHERS = 50_000;

/** Whether a filter has only a tag, and times of creation: errand.task_tags alone knows its tasks. */
export function isTagAlone({ tag, createdFrom, createdTo, ...others }: TaskFilter): boolean {
  return tag !== undefined && Object.values(others).every((value) => value === undefined);
}

/**
 * The better one of two walks that may have to read all: of the tasks with the tag, or of those that match
 * all else.
 */
export async function cheapestWalk(database: Database, filter: TaskFilter): Promise<'tasks' | 'tag'> {
  if (usualWalk(filter) === 'tasks') return 'tasks';
  if (isTagAlone(filter)) return 'tag';
  const { tag, ...others } = filter;
  const ofOthers = await estimate(database, others);
  return ofOthers <= FEW_OTHERS && ofOthers < (await estimate(database, { tag })) ? 'tasks' : 'tag';
}

/** How many tasks the planner expects to match. It reads none. */
export async function estimate(database: Database, filter: TaskFilter): Promise<number> {
  const values = newValues();
  const conditions = allConditions(filter, values);
  type Row = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] };
  const { rows } = await database.query<Row>(
    `explain (format json) select 1 from errand.tasks t ${where(conditions)}`,
    values.list,
  );
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}
