import type { QueryResultRow } from 'pg';
import type { Database } from '../database/pool.ts';
import { fieldColumns, type TaskRow, toFields } from './fields.ts';
import {
  allConditions,
  fromRanges,
  newValues,
  rowConditions,
  type TaskFilter,
  type Values,
  where,
} from './filter.ts';
import { searchPayloads } from './search.ts';
import { SUMMARY_COLUMNS, type TaskSummary } from './tasks.ts';

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
 * A page of tasks. `next` is the task that the next page comes after, null if there is none. `search`
 * says how far a filter by payload has looked.
 */
export type Listed<Row> = { tasks: Row[]; next: string | null; search: Search | null };

/** How far a search by payload has looked for one page. */
export type Search = {
  /** How many tasks were looked at: those that match all other filters. */
  looked_at: number;
  /** Whether it stopped there, before the last task. The next page goes on. */
  is_bounded: boolean;
  /** How many payloads were not read, because they are too large. */
  unread: number;
  /** How many of them match. */
  matched: number;
};

/**
 * One page of tasks, newest first. The cost of a page does not grow with the table. By name and state
 * it reads the start of each range of tasks_name_state_id_idx. Otherwise it walks the primary key, or
 * uses the index of the tag, initiator, submitter or error text if Postgres knows that these are rare.
 * It reads all children of a task by tasks_parent_id_step_key. A page of top-level tasks skips the
 * steps between them. A page by payload is a bounded search (./search.ts): it may have fewer tasks
 * than its size, or none, although others follow.
 */
export function listTasks(database: Database, filter: TaskFilter, page: Page): Promise<Listed<TaskSummary>> {
  return listPage<TaskSummary>(database, filter, page, () => SUMMARY_COLUMNS);
}

/** The same with these fields (./fields.ts) of each task. */
export async function listRows(
  database: Database,
  filter: TaskFilter,
  page: Page,
  fields: readonly string[],
): Promise<Listed<TaskRow>> {
  const listed = await listPage<TaskRow>(database, filter, page, (values) => fieldColumns(fields, values));
  return { ...listed, tasks: listed.tasks.map((row) => toFields(fields, row)) };
}

async function listPage<Row extends QueryResultRow>(
  database: Database,
  filter: TaskFilter,
  page: Page,
  columns: (values: Values) => string,
): Promise<Listed<Row>> {
  if (filter.payload !== undefined && filter.payload.length > 0) {
    return searchPage(database, filter, page, columns);
  }
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
  const { rows } = await database.query<Row & { page_id: string }>(
    `${candidates.with}
     select t.id as page_id, ${columns(values)}
       from (select c.id from ${candidates.from} c order by c.id desc
              limit ${values.add(page.size + 1)} offset ${values.add(page.offset)}) page
       join errand.tasks t on t.id = page.id
      order by t.id desc`,
    values.list,
  );
  const tasks = rows.slice(0, page.size);
  const next = rows.length > page.size ? (tasks.at(-1)?.page_id ?? null) : null;
  return { tasks: tasks.map(({ page_id: _, ...row }) => row as unknown as Row), next, search: null };
}

async function searchPage<Row extends QueryResultRow>(
  database: Database,
  filter: TaskFilter,
  { size, offset, before }: Page,
  columns: (values: Values) => string,
): Promise<Listed<Row>> {
  const found = await searchPayloads(database, filter, {
    order: 'desc',
    beyond: (values) => (before ? [`t.id < ${values.add(before)}`] : []),
    size: size + 1,
    offset,
  });
  const values = newValues();
  const ids = found.ids.slice(0, size);
  const given = values.add(ids);
  const { rows: tasks } = await database.query<Row>(
    `select ${columns(values)} from errand.tasks t where t.id = any (${given}::uuid[]) order by t.id desc`,
    values.list,
  );
  const { lookedAt: looked_at, matched, unread } = found;
  const search = { looked_at, is_bounded: found.next !== null, unread, matched };
  return { tasks, next: found.ids.length > size ? (ids.at(-1) ?? null) : found.next, search };
}

/**
 * How many tasks match: exact up to EXACT_TOTAL_LIMIT, beyond it the planner's estimate. By payload, how
 * many of the newest match, and whether that is all.
 */
export async function countTasks(
  database: Database,
  filter: TaskFilter,
): Promise<{ total: number; isEstimate: boolean }> {
  if (filter.payload !== undefined && filter.payload.length > 0) {
    const { matched, next, unread } = await searchPayloads(database, filter, {
      order: 'desc',
      beyond: () => [],
      size: 0,
    });
    return { total: matched, isEstimate: next !== null || unread > 0 };
  }
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
