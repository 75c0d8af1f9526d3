import { STATES, type State } from '../core/states.ts';
import type { Database } from './pool.ts';
import { SUMMARY_COLUMNS, type Task } from './tasks.ts';

/** A task in a list: all but payload and result, which may be megabytes. */
export type TaskSummary = Omit<Task, 'payload' | 'result'>;

/** What a list may be narrowed to; times are ISO 8601, from inclusive, to exclusive. */
export type TaskFilter = {
  name?: string | undefined;
  namespace?: string | undefined;
  states?: State[] | undefined;
  tag?: string | undefined;
  initiator?: string | undefined;
  /** Part of the error's message, in any case. */
  error?: string | undefined;
  createdFrom?: string | undefined;
  createdTo?: string | undefined;
  finishedFrom?: string | undefined;
  finishedTo?: string | undefined;
};

/** Which page: of `size` tasks, after skipping `offset`, of those created before the task `before`. */
export type Page = { size: number; offset: number; before: string | undefined };

/** Counting stops here; beyond it the planner's estimate must do. */
const EXACT_TOTAL_LIMIT = 10_000;

/** The values of a statement under construction; `add` gives the placeholder. */
type Values = { list: unknown[]; add: (value: unknown) => string };

function newValues(): Values {
  const list: unknown[] = [];
  return { list, add: (value) => `$${list.push(value)}` };
}

/**
 * One page of tasks, newest first, and whether more follow. The cost of a page does not grow with the table: by
 * name and state it reads the head of each range of tasks_name_state_id_idx, otherwise it walks the primary
 * key, or takes the index of the tag, the initiator or the error text when Postgres knows these to be rare.
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
  const values = newValues();
  const conditions = rowConditions(filter, values);
  const limit = values.add(EXACT_TOTAL_LIMIT + 1);
  const candidates = fromRanges(
    filter,
    values,
    // The limit in each range keeps Postgres from reading the whole table for a namespace that has few of its rows.
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
  const conditions = rowConditions(filter, values);
  if (filter.states !== undefined) conditions.push(`t.state = any (${values.add(filter.states)})`);
  if (filter.name !== undefined) conditions.push(`t.name = ${values.add(filter.name)}`);
  conditions.push(...namespaceConditions(filter, values));
  type Row = { 'QUERY PLAN': [{ Plan: { 'Plan Rows': number } }] };
  const { rows } = await database.query<Row>(
    `explain (format json) select 1 from errand.tasks t ${where(conditions)}`,
    values.list,
  );
  return rows[0]?.['QUERY PLAN'][0].Plan['Plan Rows'] ?? 0;
}

/**
 * The relation that candidates come from. Without a name, namespace or state that is one query over the table.
 * With one, it is a query per pair of name and state, so that each is a range of the index that is already in
 * the order of the list; names that are not given are found by hopping from one to the next in that index.
 */
function fromRanges(
  filter: TaskFilter,
  values: Values,
  query: (range: string[]) => string,
): { with: string; from: string } {
  if (filter.name === undefined && filter.namespace === undefined && filter.states === undefined) {
    return { with: '', from: `(${query([])})` };
  }
  const states = values.add(filter.states ?? STATES);
  return {
    with: `with recursive names as (${namesOf(filter, values)})`,
    from: `(select ranged.id
              from names
             cross join unnest(${states}::text[]) as states (state)
             cross join lateral (${query(['t.name = names.name', 't.state = states.state'])}) ranged
             where names.name is not null)`,
  };
}

/** The names to look at. A given one must not be looked for: that would read the whole table when it has no task. */
function namesOf(filter: TaskFilter, values: Values): string {
  if (filter.name !== undefined) {
    const given = `(select ${values.add(filter.name)}::text collate "C" as name)`;
    return `select t.name from ${given} t ${where(namespaceConditions(filter, values))}`;
  }
  const known = namespaceConditions(filter, values);
  const hop = where(['t.name > names.name', ...known]);
  return `
    (select t.name from errand.tasks t ${where(known)} order by t.name limit 1)
    union all
    select (select t.name from errand.tasks t ${hop} order by t.name limit 1) from names where names.name is not null`;
}

function namespaceConditions(filter: TaskFilter, values: Values): string[] {
  if (filter.namespace === undefined) return [];
  // '/' follows '.' in the order of bytes, so this is the range of all names with that first part.
  return [`t.name > ${values.add(`${filter.namespace}.`)}`, `t.name < ${values.add(`${filter.namespace}/`)}`];
}

function rowConditions(filter: TaskFilter, values: Values): string[] {
  const conditions: string[] = [];
  if (filter.tag !== undefined)
    conditions.push(`t.tags @> array[${values.add(filter.tag)}] and t.tags <> '{}'`);
  if (filter.initiator !== undefined) conditions.push(`t.initiator = ${values.add(filter.initiator)}`);
  if (filter.error !== undefined) {
    const pattern = `%${filter.error.replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
    conditions.push(`t.error is not null and (t.error ->> 'message') ilike ${values.add(pattern)}`);
  }
  // The id holds the time of creation in ms, so a range of times is a range of the primary key.
  if (filter.createdFrom !== undefined)
    conditions.push(`t.id >= ${values.add(firstIdAt(filter.createdFrom))}`);
  if (filter.createdTo !== undefined) conditions.push(`t.id < ${values.add(firstIdAt(filter.createdTo))}`);
  if (filter.finishedFrom !== undefined)
    conditions.push(`t.finished_at >= ${values.add(filter.finishedFrom)}`);
  if (filter.finishedTo !== undefined) {
    conditions.push(`t.finished_at < ${values.add(filter.finishedTo)}`);
    // Nothing finishes before it is created. Without this, a range long ago is reached past all that came after it.
    conditions.push(`t.id < ${values.add(firstIdAt(filter.finishedTo))}`);
  }
  return conditions;
}

/** The smallest UUIDv7 of a millisecond (RFC 9562, section 5.7): 48 bits of Unix time, then the version. */
function firstIdAt(time: string): string {
  const hex = Math.max(0, Math.floor(Date.parse(time)))
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

function where(conditions: string[]): string {
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
}
