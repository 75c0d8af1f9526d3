import { CANCELLABLE, type State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';

/**
 * A payload that is stored in more bytes is not read: many of them together would not fit into
 * memory.
 */
const MAX_STORED_BYTES = 65_536;

/** Tasks of a name in one state before their end. */
export type WaitingPart = { name: string; state: State };

/** A task that has not ended. If `isLarge`, its payload was not read. */
export type WaitingTask = { id: string; version: string; payload: unknown; isLarge: boolean };

/**
 * The names, of these, that have tasks that have not ended, with their states, as of now. It costs
 * one look into tasks_name_state_id_idx for each name and state, however many tasks there are.
 */
export async function readWaitingParts(
  database: Database,
  names: readonly string[],
): Promise<{ now: string; parts: WaitingPart[] }> {
  const { rows } = await database.query<{ now: string; parts: WaitingPart[] }>({
    name: 'read_waiting_parts',
    text: `
      select now() as now,
             coalesce((select json_agg(json_build_object('name', part.name, 'state', part.state) order by name, state)
                         from (select names.name, states.state
                                 from unnest($1::text[]) as names (name)
                                cross join unnest($2::text[]) as states (state)
                                cross join lateral (select
                                                      from errand.tasks t
                                                     where t.name = names.name and t.state = states.state
                                                     order by t.id
                                                     limit 1) one) part), '[]') as parts`,
    values: [names, CANCELLABLE],
  });
  return rows[0] ?? { now: new Date().toISOString(), parts: [] };
}

/**
 * The next tasks of such a part after the id `after`, oldest first. Uses tasks_name_state_id_idx.
 */
export async function readWaiting(
  database: Database,
  { name, state }: WaitingPart,
  after: string,
  limit: number,
): Promise<WaitingTask[]> {
  const { rows } = await database.query<WaitingTask>({
    name: 'read_waiting',
    text: `
      select t.id, t.version,
             case when pg_column_size(t.payload) <= ${MAX_STORED_BYTES} then t.payload end as payload,
             pg_column_size(t.payload) > ${MAX_STORED_BYTES} as "isLarge"
        from errand.tasks t
       where t.name = $1 and t.state = $2 and t.id > $3
       order by t.id
       limit $4`,
    values: [name, state, after, limit],
  });
  return rows;
}
