import type { Database } from '../database/pool.ts';
import { allConditions, fromRanges, newValues, rowConditions, type TaskFilter, where } from './filter.ts';
import { SUMMARY_COLUMNS, type Task } from './tasks.ts';

/** A task in a list, without payload and result, which may be megabytes. */
export type TaskSummary = Omit<Task, 'payload' | 'result'>;

/** A page of `size` tasks, after skipping `offset`, of those created before the task `before`. */
export type Page = { size: number; offset: number; before: string | undefined };

/** Counting stops here; beyond it the planner's estimate is used. */
const EXACT_TOTAL_LIMIT = 10_000;
/**
 * A GIN index gives all its matches before the first can be counted. If the planner expects more
 * than this, nothing is counted (a tag of a tenth of 10 million tasks: 280 ms). For common tags its
 * statistics are good.
 */
const UNCOUNTED_ESTIMATE = 20 * EXACT_TOTAL_LIMIT;

/**
 * One page of tasks, newest first, and whether more follow. The cost of a page does not grow with
 * the table. By name and state it reads the start of each range of tasks_name_state_id_idx.
 * Otherwise it walks the primary key, or uses the index of the tag, initiator, submitter or error
 * text if Postgres knows that these are rare. It reads all children of a task by
 * tasks_parent_id_step_key. A page of top-level tasks skips the steps between them.
 */
export async function listTasks(
  database: Database,
  filter: TaskFilter,
  page: Page,
): Promise<{ tasks: TaskSummary[]; more: boolean }> {
  const values = newValues();
  const conditions = [
    ...rowConditions(filter, values),
    ...(page.before ? [`t.id < ${values.add(page.before)}`] : []),
  ];
  const reach = values.add(page.offset + page.size + 1);
  const candidates = fromRanges(
    filter,
    values,
    (range) => `
      select t.id from errand.tasks t ${where([...range, ...conditions])} order by t.id desc limit ${reach}`,
  );
  const { rows } = await database.query<TaskSummary>(
    `${candidates.with}
     select ${SUMMARY_COLUMNS}
       from (select c.id from ${candidates.from} c order by c.id desc
              limit ${values.add(page.size + 1)} offset ${values.add(page.offset)}) page
       join errand.tasks t on t.id = page.id
      order by t.id desc`,
    values.list,
  );
  return { tasks: rows.slice(0, page.size), more: rows.length > page.size };
}

/** How many tasks match: exact up to EXACT_TOTAL_LIMIT, beyond it the planner's estimate. */
export async function countTasks(
  database: Database,
  filter: TaskFilter,
): Promise<{ total: number; isEstimate: boolean }> {
  if (filter.tag !== undefined || filter.topLevel === true) {
    // Without a tag the matching tasks must be found among all top-level and other tasks.
    const among = filter.tag === undefined ? { ...filter, topLevel: undefined } : filter;
    const read = await estimate(database, among);
    if (read > UNCOUNTED_ESTIMATE) {
      return { total: among === filter ? read : await estimate(database, filter), isEstimate: true };
    }
  }
  const values = newValues();
  const conditions = rowConditions(filter, values);
  const limit = values.add(EXACT_TOTAL_LIMIT + 1);
  const candidates = fromRanges(
    filter,
    values,
    // The limit in each range keeps Postgres from reading the complete table for a namespace with
    // few of its rows.
    (range) => `
      select t.id from errand.tasks t ${where([...range, ...conditions])} limit ${limit}`,
  );
  const { rows } = await database.query<{ count: number }>(
    `${candidates.with}
     select count(*) from (select 1 from ${candidates.from} c limit ${limit}) counted`,
    values.list,
  );
  const count = rows[0]?.count ?? 0;
  if (count <= EXACT_TOTAL_LIMIT) return { total: count, isEstimate: false };
  return { total: Math.max(count, await estimate(database, filter)), isEstimate: true };
}

async function estimate(database: Database, filter: TaskFilter): Promise<number> {
  const values = newValues();
  const conditions = allConditions(filter, values);
  type Row = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] };
  const { rows } = await database.query<Row>(
    `explain (format json) select 1 from errand.tasks t ${where(conditions)}`,
    values.list,
  );
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}
