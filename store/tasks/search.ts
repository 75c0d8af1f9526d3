import { payloadCondition } from '../../core/payload_condition.ts';
import type { Database } from '../database/pool.ts';
import { fromRanges, newValues, type TaskFilter, type Values, where } from './filter.ts';
import { SHOWN_PAYLOAD } from './tasks.ts';
import { endOfWalk, type More, usualWalk, type WalkOptions, walkOf } from './walks.ts';

/** How many tasks one search looks at, at most. */
export const SEARCH_LIMIT = 10_000;
/**
 * About how many entries of the index it reads to find them. Each pair of name and state is a range,
 * and one of them may have all that are looked at. So many ranges are read less far, but at least
 * MIN_REACH entries each.
 */
const READ_LIMIT = 5 * SEARCH_LIMIT;
const MIN_REACH = 500;
/**
 * A payload that is stored in more bytes is not read: SEARCH_LIMIT of them would take too long.
 */
const MAX_STORED_BYTES = 65_536;

/**
 * A part of a search: the tasks to look at, and which of the matching ones to give. `beyond` has the
 * conditions on where it starts.
 */
export type SearchPart = {
  order: 'asc' | 'desc';
  beyond: More;
  size: number;
  offset?: number;
};

/** The result of a part of a search. */
export type Found = {
  /** The matching tasks, in order. */
  ids: string[];
  /** How many match of all tasks that were looked at. */
  matched: number;
  /** How many tasks were looked at, at most SEARCH_LIMIT: fewer if there are many names and states. */
  lookedAt: number;
  /** The last of them, where the search can go on; null if there were no others to look at. */
  next: string | null;
  /** How many payloads were too large to be read. */
  unread: number;
};

/**
 * Looks at the next tasks that match the other conditions of a filter, and finds those whose payload
 * matches too (R14). So a part costs the same however large the table is. It compares the
 * shown payload, in which secrets are replaced. Uses the indexes of lists, then the primary key.
 */
export async function searchPayloads(
  database: Database,
  filter: TaskFilter,
  { order, beyond, size, offset = 0 }: SearchPart,
): Promise<Found> {
  const values = newValues();
  const by = usualWalk(filter);
  const options: WalkOptions = { by, more: beyond, order, ...(by === 'tag' ? { most: READ_LIMIT } : {}) };
  const walk = walkOf(filter, values, options);
  const limit = values.add(SEARCH_LIMIT + 1);
  let count = '1';
  const found = fromRanges(filter, values, walk, (range, ranges) => {
    count = ranges;
    // The inner limit is known to the planner, so that it reads the range in its order.
    return `
      select first.*
        from (select ${walk.id} as id, row_number() over (order by ${walk.id} ${order}) as nth
                from ${walk.from} ${where([...range, ...walk.conditions])}
               order by ${walk.id} ${order}
               limit ${limit}) first
       limit (select entries + 1 from reach)`;
  });
  const { rows } = await database.query<Found>(
    `${found.with === '' ? 'with' : `${found.with},`}
     reach as materialized (
       select least(${SEARCH_LIMIT}, greatest(${MIN_REACH}, ${READ_LIMIT} / greatest(1, ${count}))) as entries
     ),
     ranged as materialized (select c.id, c.nth from ${found.from} c),
     -- Beyond the end of a range that was not read to its end, others may come between.
     edge as materialized (
       select id from ranged where nth > (select entries from reach) order by id ${order} limit 1
     ),
     reached as materialized (
       select id, row_number() over (order by id ${order}) as place
         from ranged
        where id ${order === 'desc' ? '>' : '<'} (select id from edge) or not exists (select from edge)
        order by id ${order}
        limit ${limit}
     ),
     -- One look by the primary key for each: a join would make Postgres read the complete table.
     looked as materialized (
       select reached.id, reached.place, read.matches
         from reached
        cross join lateral (
          select case when pg_column_size(t.payload) <= ${MAX_STORED_BYTES}
                      then ${payloadConditions(filter, values)} end as matches
            from errand.tasks t
           where t.id = reached.id
           limit 1) read
        where reached.place < ${limit}
     )
     select array(select id from looked where matches order by place
                   limit ${values.add(size)} offset ${values.add(offset)}) as ids,
            (select count(*) from looked where matches) as matched,
            (select count(*) from looked) as "lookedAt",
            (select id from looked
              where exists (select from reached where place = ${limit}) or exists (select from edge)
              order by place desc
              limit 1) as next,
            (select count(*) from looked where matches is null) as unread`,
    values.list,
  );
  const part = rows[0] ?? { ids: [], matched: 0, lookedAt: 0, next: null, unread: 0 };
  if (part.next !== null || options.most === undefined) return part;
  return { ...part, next: await endOfWalk(database, filter, options) };
}

/** The conditions on a shown payload. Never null: a missing part matches nothing. */
function payloadConditions(filter: TaskFilter, values: Values): string {
  const conditions = (filter.payload ?? []).map((text) => {
    const condition = payloadCondition(text);
    if (typeof condition === 'string') throw new Error(`The payload condition ${text} ${condition}`);
    const equals = condition.values.map((value) => JSON.stringify(value));
    return `coalesce((${SHOWN_PAYLOAD}) #> ${values.add(condition.path)}::text[] = any (${values.add(equals)}::jsonb[]), false)`;
  });
  return conditions.length === 0 ? 'true' : conditions.join(' and ');
}
