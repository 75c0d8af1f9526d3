import { STATES, type State } from '../core/states.ts';

/** What tasks may be narrowed to; times are ISO 8601, from inclusive, to exclusive. */
export type TaskFilter = {
  name?: string | undefined;
  /** In one of these namespaces; what a caller asks for, as far as it may see it. */
  namespaces?: readonly string[] | undefined;
  states?: readonly State[] | undefined;
  tag?: string | undefined;
  initiator?: string | undefined;
  /** Part of the error's message, in any case. */
  error?: string | undefined;
  /** Failed with the errors of this group (store/errors.ts). */
  errorGroup?: string | undefined;
  /** Steps or other children of this task. */
  parentId?: string | undefined;
  /** Only tasks that are no part of another one. */
  topLevel?: boolean | undefined;
  createdFrom?: string | undefined;
  createdTo?: string | undefined;
  finishedFrom?: string | undefined;
  finishedTo?: string | undefined;
};

/** The values of a statement under construction; `add` gives the placeholder. */
export type Values = { list: unknown[]; add: (value: unknown) => string };

/** No values yet. */
export function newValues(): Values {
  const list: unknown[] = [];
  return { list, add: (value) => `$${list.push(value)}` };
}

/**
 * The relation that the ids of matching tasks come from. Children of one task are read by its id. Else, without a name, namespace or state that is one query over
 * the table. With one, it is a query per pair of name and state, so that each is a range of
 * tasks_name_state_id_idx, which is already in the order of the list; names that are not given are found by hopping
 * from one to the next in that index. `query` makes that query from the conditions of its range.
 */
export function fromRanges(
  filter: TaskFilter,
  values: Values,
  query: (range: string[]) => string,
): { with: string; from: string } {
  if (filter.parentId !== undefined) {
    const parent = values.add(filter.parentId);
    // By the ids of all children, of which one task has 10,000 at most: a range of names or states has any number.
    const children = `t.id = any (array(select c.id from errand.tasks c where c.parent_id = ${parent}))`;
    return { with: '', from: `(${query([children, ...namingConditions(filter, values)])})` };
  }
  if (filter.name === undefined && filter.namespaces === undefined && filter.states === undefined) {
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
  if (filter.namespaces !== undefined) return namesOfNamespaces(values.add(filter.namespaces));
  return `
    (select t.name from errand.tasks t order by t.name limit 1)
    union all
    select (select t.name from errand.tasks t where t.name > names.name order by t.name limit 1)
      from names
     where names.name is not null`;
}

/** '/' follows '.' in the order of bytes, so `a.` to `a/` is the range of all names in the namespace `a`. */
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

/** Every condition of a filter on a task called `t`, for what does not go by ranges. */
export function allConditions(filter: TaskFilter, values: Values): string[] {
  const conditions = [...rowConditions(filter, values), ...namingConditions(filter, values)];
  if (filter.parentId !== undefined) conditions.push(`t.parent_id = ${values.add(filter.parentId)}`);
  return conditions;
}

/** What ranges go by, as conditions. */
function namingConditions(filter: TaskFilter, values: Values): string[] {
  const conditions = namespaceConditions(filter, values);
  if (filter.states !== undefined) conditions.push(`t.state = any (${values.add(filter.states)})`);
  if (filter.name !== undefined) conditions.push(`t.name = ${values.add(filter.name)}`);
  return conditions;
}

/** The conditions that `fromRanges` leaves to its query. */
export function rowConditions(filter: TaskFilter, values: Values): string[] {
  const conditions: string[] = [];
  if (filter.tag !== undefined)
    conditions.push(`t.tags @> array[${values.add(filter.tag)}] and t.tags <> '{}'`);
  if (filter.initiator !== undefined) conditions.push(`t.initiator = ${values.add(filter.initiator)}`);
  if (filter.error !== undefined) {
    const pattern = `%${filter.error.replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
    conditions.push(`t.error is not null and (t.error ->> 'message') ilike ${values.add(pattern)}`);
  }
  if (filter.errorGroup !== undefined) {
    conditions.push(`t.error_group = ${values.add(filter.errorGroup)}`);
  }
  if (filter.topLevel === true) conditions.push('t.parent_id is null');
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

/** Conditions as a clause. */
export function where(conditions: string[]): string {
  return conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
}
