import { STATES, type State } from '../../core/states.ts';
import { NOT_DISMISSED } from './tasks.ts';

/** The conditions of a list of tasks. Times are ISO 8601, from inclusive, to exclusive. */
export type TaskFilter = {
  name?: string | undefined;
  /** In one of these namespaces, of those that the caller may see. */
  namespaces?: readonly string[] | undefined;
  states?: readonly State[] | undefined;
  tag?: string | undefined;
  initiator?: string | undefined;
  /** The principal that submitted them; parts of other tasks are excluded. */
  submittedBy?: string | undefined;
  /** Tasks of this schedule, including those that were triggered or backfilled. */
  scheduleId?: string | undefined;
  /** A part of the error's message, case-insensitive. */
  error?: string | undefined;
  /** Tasks that failed with the errors of this group (store/operators/errors.ts), and were not dismissed. */
  errorGroup?: string | undefined;
  /** Steps or other children of this task. */
  parentId?: string | undefined;
  /** Only tasks that are not part of another task. */
  topLevel?: boolean | undefined;
  createdFrom?: string | undefined;
  createdTo?: string | undefined;
  finishedFrom?: string | undefined;
  finishedTo?: string | undefined;
  /** Failed tasks that an operator has dismissed, or all others. */
  dismissed?: boolean | undefined;
  /** Conditions on the payload (core/payload_condition.ts). Only a bounded search finds by them. */
  payload?: readonly string[] | undefined;
};

/** The values of a statement under construction. `add` gives the placeholder. */
export type Values = { list: unknown[]; add: (value: unknown) => string };

/**
 * In which way the tasks of a filter are read (./walks.ts): from the table, from the tasks with a tag
 * (errand.task_tags), from those with an error (tasks_error_id_idx), or all that match a tag and the
 * other conditions at once.
 */
export type WalkBy = 'tasks' | 'tag' | 'errors' | 'tag and others';

/** The SQL of a walk. */
export type Walk = {
  by: WalkBy;
  /** The column of the id, by which it is ordered. */
  id: string;
  from: string;
  /** All conditions that `from` does not have, except those of the ranges of `fromRanges`. */
  conditions: string[];
};

/** An empty list of values. */
export function newValues(): Values {
  const list: unknown[] = [];
  return { list, add: (value) => `$${list.push(value)}` };
}

/**
 * The relation that the ids of matching tasks come from, read as `walk` says (./walks.ts). A walk of a
 * tag or of errors has its own order. So have the children of one task, which are read by its id, and
 * the tasks of one schedule, by that of the schedule.
 * Without a name, namespace or state it is one query on the table. With one of them it is a query
 * per pair of name and state, so that each is a range of tasks_name_state_id_idx, which already has
 * the order of the list. If no names are given, they are found by skipping from one name to the
 * next in that index. `query` makes the query from the conditions of a range, and the SQL of the number
 * of ranges.
 */
export function fromRanges(
  filter: TaskFilter,
  values: Values,
  walk: Walk,
  query: (range: string[], ranges: string) => string,
): { with: string; from: string } {
  if (walk.by !== 'tasks') return { with: '', from: `(${query([], '1')})` };
  if (filter.parentId !== undefined) {
    const parent = values.add(filter.parentId);
    // By the ids of all children: one task has at most 10,000, but a range of names or states has
    // any number.
    const children = `t.id = any (array(select c.id from errand.tasks c where c.parent_id = ${parent}))`;
    return { with: '', from: `(${query([children, ...namingConditions(filter, values)], '1')})` };
  }
  if (filter.scheduleId !== undefined) {
    // tasks_schedule_id_idx already has the order of the list.
    return { with: '', from: `(${query(namingConditions(filter, values), '1')})` };
  }
  if (!hasRanges(filter)) return { with: '', from: `(${query([], '1')})` };
  const states = values.add(filter.states ?? STATES);
  const ranges = `(select count(*) from names where name is not null) * cardinality(${states}::text[])`;
  return {
    with: `with recursive names as (${namesOf(filter, values)})`,
    from: `(select ranged.*
              from names
             cross join unnest(${states}::text[]) as states (state)
             cross join lateral (${query(['t.name = names.name', 't.state = states.state'], ranges)}) ranged
             where names.name is not null)`,
  };
}

function hasRanges({ name, namespaces, states }: TaskFilter): boolean {
  return name !== undefined || namespaces !== undefined || states !== undefined;
}

/**
 * The names to read. A given name must not be searched for: if it has no task, that would read the
 * complete table.
 */
function namesOf(filter: TaskFilter, values: Values): string {
  if (filter.name !== undefined) {
    const given = `(select ${values.add(filter.name)}::text collate "C" as name)`;
    return `select t.name from ${given} t ${where(namespaceConditions(filter, values))}`;
  }
  if (filter.namespaces !== undefined) return namesOfNamespaces(values.add(filter.namespaces));
  return `
    (select t.name from errand.tasks t order by t.name limit 1)
    union all
    select (select t.name from errand.tasks t where t.name > names.name order by t.name limit 1)
      from names
     where names.name is not null`;
}

/**
 * '/' follows '.' in byte order, so `a.` to `a/` is the range of all names in the namespace `a`.
 */
function namesOfNamespaces(namespaces: string): string {
  return `
    select (select t.name
              from errand.tasks t
             where t.name > given.namespace || '.' and t.name < given.namespace || '/'
             order by t.name
             limit 1) as name,
           given.namespace
      from (select distinct unnest(${namespaces}::text[]) as namespace) given
    union all
    select (select t.name
              from errand.tasks t
             where t.name > names.name and t.name < names.namespace || '/'
             order by t.name
             limit 1),
           names.namespace
      from names
     where names.name is not null`;
}

function namespaceConditions(filter: TaskFilter, values: Values): string[] {
  if (filter.namespaces === undefined) return [];
  const ranges = filter.namespaces.map(
    (namespace) => `t.name > ${values.add(`${namespace}.`)} and t.name < ${values.add(`${namespace}/`)}`,
  );
  return [ranges.length === 0 ? 'false' : `(${ranges.join(' or ')})`];
}

/** Every condition of a filter on a task called `t` except those on the payload, for queries without ranges. */
export function allConditions(filter: TaskFilter, values: Values): string[] {
  const conditions = [
    ...idConditions(filter, values, 't.id'),
    ...tagConditions(filter, values),
    ...rowConditions(filter, values),
    ...namingConditions(filter, values),
  ];
  if (filter.parentId !== undefined) conditions.push(`t.parent_id = ${values.add(filter.parentId)}`);
  return conditions;
}

/** The conditions that ranges would handle. */
export function namingConditions(filter: TaskFilter, values: Values): string[] {
  const conditions = namespaceConditions(filter, values);
  if (filter.states !== undefined) conditions.push(`t.state = any (${values.add(filter.states)})`);
  if (filter.name !== undefined) conditions.push(`t.name = ${values.add(filter.name)}`);
  return conditions;
}

/** The condition on the tags of a task that is found in another way. */
export function tagConditions(filter: TaskFilter, values: Values): string[] {
  return filter.tag === undefined ? [] : [`t.tags @> array[${values.add(filter.tag)}]`];
}

/**
 * The conditions on the id of a task, which stands in the column `id`. It contains the creation time in
 * ms, so a range of times is a range of the primary key.
 */
export function idConditions(filter: TaskFilter, values: Values, id: string): string[] {
  const conditions: string[] = [];
  if (filter.createdFrom !== undefined)
    conditions.push(`${id} >= ${values.add(firstIdAt(filter.createdFrom))}`);
  if (filter.createdTo !== undefined) conditions.push(`${id} < ${values.add(firstIdAt(filter.createdTo))}`);
  // No task finishes before it is created. Without this condition, a range in the past would be
  // reached only through all later tasks.
  if (filter.finishedTo !== undefined) conditions.push(`${id} < ${values.add(firstIdAt(filter.finishedTo))}`);
  return conditions;
}

/** The other conditions that `fromRanges` leaves to its query, except those on the payload. */
export function rowConditions(filter: TaskFilter, values: Values): string[] {
  const conditions: string[] = [];
  if (filter.initiator !== undefined) conditions.push(`t.initiator = ${values.add(filter.initiator)}`);
  // The index has only tasks that are not part of another task.
  if (filter.submittedBy !== undefined)
    conditions.push(`t.submitted_by = ${values.add(filter.submittedBy)} and t.parent_id is null`);
  if (filter.scheduleId !== undefined) conditions.push(`t.schedule_id = ${values.add(filter.scheduleId)}`);
  if (filter.error !== undefined) {
    const pattern = `%${filter.error.replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
    conditions.push(`t.error is not null and (t.error ->> 'message') ilike ${values.add(pattern)}`);
  }
  if (filter.errorGroup !== undefined) {
    conditions.push(`t.error_group = ${values.add(filter.errorGroup)} and ${NOT_DISMISSED}`);
  }
  if (filter.dismissed === true)
    conditions.push('t.dismissed_at is not null and t.dismissed_at >= t.finished_at');
  if (filter.dismissed === false) conditions.push(NOT_DISMISSED);
  if (filter.topLevel === true) conditions.push('t.parent_id is null');
  if (filter.finishedFrom !== undefined)
    conditions.push(`t.finished_at >= ${values.add(filter.finishedFrom)}`);
  if (filter.finishedTo !== undefined) conditions.push(`t.finished_at < ${values.add(filter.finishedTo)}`);
  return conditions;
}

/**
 * The smallest UUIDv7 of a millisecond (RFC 9562, section 5.7): 48 bits of Unix time, then the
 * version.
 */
function firstIdAt(time: string): string {
  const hex = Math.max(0, Math.floor(Date.parse(time)))
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-0000-0000-000000000000`;
}

/** Joins conditions to a clause. */
export function where(conditions: string[]): string {
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
}
