import type { QueryResultRow } from 'pg';
import type { Database } from '../database/pool.ts';
import { cheapestWalk, estimate, isTagAlone } from './estimates.ts';
import { fieldColumns, type TaskRow, toFields } from './fields.ts';
import { fromRanges, newValues, type TaskFilter, type Values, where } from './filter.ts';
import { searchPayloads } from './search.ts';
import { SUMMARY_COLUMNS, type TaskSummary } from './tasks.ts';
import { endOfWalk, NOTHING_MORE, type WalkOptions, walkOf } from './walks.ts';

/** A page of `size` tasks, after skipping `offset`, of those created before the task `before`. */
export type Page = { size: number; offset: number; before: string | undefined };

/** Counting stops here; beyond it the planner's estimate is used. */
const EXACT_TOTAL_LIMIT = 10_000;
/**
 * If the planner expects that more tasks are read to find those that match, nothing is counted. For common
 * tags its statistics are good.
 */
const UNCOUNTED_ESTIMATE = 20 * EXACT_TOTAL_LIMIT;
/** How many tasks with a tag are looked at to count those that match. Each look takes about 2 µs. */
const COUNTED_LOOKS = 2 * EXACT_TOTAL_LIMIT;
/**
 * How many of the newest tasks with the tag, or with an error, are looked at first. If a page is not full
 * after them, few of them match.
 */
const FIRST_LOOKS = { tag: 5_000, errors: 1_500 };
/** Then, before all matches of tag and other conditions are read at once, for which they must be rarer still. */
const MORE_LOOKS = 10;

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
 * it reads the start of each range of tasks_name_state_id_idx, by tag the tasks of errand.task_tags, by
 * an error's text first the newest of tasks_error_id_idx. Otherwise it walks the primary key, or
 * the index of the initiator or submitter, which have the order too.
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
  let rows: (Row & { page_id: string })[] = [];
  let walk: WalkOptions | null = firstWalk(filter, page);
  while (walk !== null) {
    rows = await readPage<Row>(database, filter, page, columns, walk);
    walk = rows.length > page.size ? null : await nextWalk(database, filter, walk);
  }
  const tasks = rows.slice(0, page.size);
  const next = rows.length > page.size ? (tasks.at(-1)?.page_id ?? null) : null;
  return { tasks: tasks.map(({ page_id: _, ...row }) => row as unknown as Row), next, search: null };
}

/** The children of a task are few. */
function firstWalk({ tag, error, parentId }: TaskFilter, { size, offset, before }: Page): WalkOptions {
  const more: WalkOptions['more'] = (values, id) => ({
    ids: before === undefined ? [] : [`${id} < ${values.add(before)}`],
  });
  if (parentId !== undefined || (tag === undefined && error === undefined)) return { by: 'tasks', more };
  const by = tag === undefined ? 'errors' : 'tag';
  return { by, more, most: FIRST_LOOKS[by] + offset + size };
}

/** The walk after one that did not fill the page; null if it has read all. */
async function nextWalk(
  database: Database,
  filter: TaskFilter,
  walk: WalkOptions,
): Promise<WalkOptions | null> {
  const { by, more, most } = walk;
  if (most === undefined || (await endOfWalk(database, filter, walk)) === null) return null;
  if (by === 'errors') return { by: 'tasks', more };
  if (most > MORE_LOOKS * FIRST_LOOKS.tag) return { by: 'tag and others', more };
  if ((await cheapestWalk(database, filter)) === 'tasks') return { by: 'tasks', more };
  return { by, more, most: MORE_LOOKS * most };
}

/** The rows of a page, and one more if there is one. */
async function readPage<Row extends QueryResultRow>(
  database: Database,
  filter: TaskFilter,
  page: Page,
  columns: (values: Values) => string,
  options: WalkOptions,
): Promise<(Row & { page_id: string })[]> {
  const values = newValues();
  const walk = walkOf(filter, values, options);
  const reach = values.add(page.offset + page.size + 1);
  const candidates = fromRanges(
    filter,
    values,
    walk,
    (range) => `
      select ${walk.id} as id
        from ${walk.from} ${where([...range, ...walk.conditions])}
       order by ${walk.id} desc
       limit ${reach}`,
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
  return rows;
}

async function searchPage<Row extends QueryResultRow>(
  database: Database,
  filter: TaskFilter,
  { size, offset, before }: Page,
  columns: (values: Values) => string,
): Promise<Listed<Row>> {
  const found = await searchPayloads(database, filter, {
    order: 'desc',
    beyond: (values, id) => ({ ids: before ? [`${id} < ${values.add(before)}`] : [] }),
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
      beyond: NOTHING_MORE,
      size: 0,
    });
    return { total: matched, isEstimate: next !== null || unread > 0 };
  }
  const uncounted = await uncountedTotal(database, filter);
  if (uncounted !== null) return { total: uncounted, isEstimate: true };
  const walk: WalkOptions = {
    ...{ by: await cheapestWalk(database, filter), more: NOTHING_MORE },
    // The tasks with a tag alone are counted in the index of tags.
    ...(isTagAlone(filter) ? {} : { most: COUNTED_LOOKS }),
  };
  const count = await countUpTo(database, filter, walk, EXACT_TOTAL_LIMIT + 1);
  if (count <= EXACT_TOTAL_LIMIT) {
    const hasSeenAll =
      walk.by === 'tasks' || walk.most === undefined || (await endOfWalk(database, filter, walk)) === null;
    if (hasSeenAll) return { total: count, isEstimate: false };
  }
  return { total: Math.max(count, await estimate(database, filter)), isEstimate: true };
}

async function countUpTo(
  database: Database,
  filter: TaskFilter,
  options: WalkOptions,
  most: number,
): Promise<number> {
  const values = newValues();
  const walk = walkOf(filter, values, options);
  const limit = values.add(most);
  const candidates = fromRanges(
    filter,
    values,
    walk,
    // The limit in each range keeps Postgres from reading the complete table for a namespace with
    // few of its rows.
    (range) => `
      select ${walk.id} as id from ${walk.from} ${where([...range, ...walk.conditions])} limit ${limit}`,
  );
  const { rows } = await database.query<{ count: number }>(
    `${candidates.with}
     select count(*) from (select 1 from ${candidates.from} c limit ${limit}) counted`,
    values.list,
  );
  return rows[0]?.count ?? 0;
}

/**
 * The estimate, if too many tasks would be read to find those that match; else null. Without a tag the
 * matching tasks must be found among all top-level and other tasks, or all with the text of an error.
 */
async function uncountedTotal(database: Database, filter: TaskFilter): Promise<number | null> {
  const { tag, error, topLevel } = filter;
  if (tag !== undefined || (topLevel !== true && error === undefined)) return null;
  const read = await estimate(database, { ...filter, topLevel: undefined });
  if (read <= UNCOUNTED_ESTIMATE) return null;
  return topLevel === true ? estimate(database, filter) : read;
}
