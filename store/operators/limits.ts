import type { Database } from '../database/pool.ts';
import { IS_LIMIT } from '../limits/read.ts';
import { type Act, actValues } from './audit.ts';

/** The settings to change. `slots` null: no limit. A property that is left out stays as it is. */
export type AskedLimit = { slots?: number | null | undefined; paused?: boolean | undefined };

/** The limit after a change by an operator. */
export type ChangedLimit = {
  name: string;
  changed: boolean;
  /** Whether more may start now than before. Then those that wait are to be called. */
  has_more_room: boolean;
  /** Null if no registered definition has it. */
  declared: number | null;
};

/** The settings of a row as one value, for the audit trail. */
const shown = (row: string): string => `
  jsonb_build_object('limit', case when ${row}.is_unlimited then null else coalesce(${row}.set_slots, ${row}.declared_slots) end,
                     'paused', ${row}.is_paused)`;

/**
 * Sets the value of a limit, or pauses or resumes it (Q7). The value replaces the declared one until
 * `resetLimit`, whatever is deployed meanwhile. Null if there is no such limit. Nothing is written if it is so
 * already. The statement locks the row of the limit, so changes of one moment follow each other, and writes the
 * audit row. Uses the primary key.
 */
export function changeLimit(
  database: Database,
  name: string,
  { slots, paused }: AskedLimit,
  act: Act,
): Promise<ChangedLimit | null> {
  const action = slots !== undefined ? 'set_limit' : paused === true ? 'pause_limit' : 'resume_limit';
  return change(database, {
    name: 'change_limit',
    text: changeOf(`
        select b.name,
               case when $7 then $8::integer else b.set_slots end as set_slots,
               case when $7 then $8 is null else b.is_unlimited end as is_unlimited,
               coalesce($9::boolean, b.is_paused) as is_paused
          from before b`),
    values: [...actValues(act), name, action, slots !== undefined, slots ?? null, paused ?? null],
  });
}

/**
 * Removes everything that operators have set for a limit: the declared value holds again, and it is not paused. If
 * no definition has it, there is no such limit any more. Null if there is no such limit. Uses the primary key.
 */
export function resetLimit(database: Database, name: string, act: Act): Promise<ChangedLimit | null> {
  return change(database, {
    name: 'reset_limit',
    text: changeOf(
      'select b.name, null::integer as set_slots, false as is_unlimited, false as is_paused from before b',
    ),
    values: [...actValues(act), name, 'reset_limit'],
  });
}

/** The statement that gives a limit what `asked` says. Its values are those of the act, the name and the action. */
function changeOf(asked: string): string {
  return `
    with before as materialized (
      select * from errand.limits where name = $5 and ${IS_LIMIT} for no key update
    ),
    asked as materialized (${asked}
    ),
    changed as (
      update errand.limits l
         set set_slots = a.set_slots,
             is_unlimited = a.is_unlimited,
             is_paused = a.is_paused,
             set_at = case when a.set_slots is not null or a.is_unlimited or a.is_paused then now() end,
             set_by = case when a.set_slots is not null or a.is_unlimited or a.is_paused then $1 end,
             set_reason = case when a.set_slots is not null or a.is_unlimited or a.is_paused then $2 end,
             updated_at = now()
        from asked a
        join before b using (name)
       where l.name = a.name
         and (b.set_slots, b.is_unlimited, b.is_paused) is distinct from (a.set_slots, a.is_unlimited, a.is_paused)
      returning l.name, l.slots > b.slots as has_more_room, ${shown('b')} as was, ${shown('l')} as is
    ),
    audited as (
      insert into errand.audit (actor, action, namespace, target, reason, request_id, details)
      select $1, $6, split_part(changed.name, '.', 1), changed.name, $2, $3,
             jsonb_build_object('before', changed.was, 'after', changed.is) || coalesce($4::jsonb, '{}')
        from changed
    )
    select b.name, b.declared_slots as declared, changed.name is not null as changed, coalesce(changed.has_more_room, false) as has_more_room
      from before b
      left join changed using (name)`;
}

async function change(
  database: Database,
  statement: { name: string; text: string; values: unknown[] },
): Promise<ChangedLimit | null> {
  const { rows } = await database.query<ChangedLimit>(statement);
  return rows[0] ?? null;
}

/**
 * Calls who waits for a limit that has more room, for a thousand of its keys, from this one on. Gives the key
 * with which the next call begins; null after the last one. See errand.call_limit. If the process dies between
 * two calls, the upkeep of the runners calls the rest.
 */
export async function callLimit(database: Database, name: string, fromKey: string): Promise<string | null> {
  const { rows } = await database.query<{ next: string | null }>({
    name: 'call_limit',
    text: 'select errand.call_limit($1, $2) as next',
    values: [name, fromKey],
  });
  return rows[0]?.next ?? null;
}
