import type { LimitKey } from '../../core/limits/key.ts';
import { arrayOf } from '../database/arrays.ts';
import type { Database } from '../database/pool.ts';

/** An attempt that a runner is about to start, with the keys of its rules in their order. */
export type Starting = { id: string; dispatchId: string; keys: readonly Readonly<LimitKey>[] };

/**
 * The answer for one attempt. `gone`: its task no longer names the dispatch. `waits`: the task waits
 * for a slot, without a dispatch. `busy`: somebody else changes its task now, so ask again.
 */
export type Took = 'taken' | 'waits' | 'busy' | 'gone';

/**
 * Takes the slots of attempts, for each all or none (Q5), in the order of `starting`. `live` is
 * whether the runner still is; if not, nothing was taken. It may be repeated if an answer was lost.
 * Uses the primary keys. See errand.take_slots, also for a crash.
 */
export async function takeSlots(
  database: Database,
  runnerId: number,
  starting: readonly Starting[],
): Promise<{ live: boolean; took: Took[] }> {
  const items = starting.map(({ id, dispatchId, keys }) => ({ id, dispatch_id: dispatchId, rules: keys }));
  const { rows } = await database.query<{ task_id: string | null; outcome: Took | 'fenced' }>({
    name: 'take_slots',
    text: 'select task_id, outcome from errand.take_slots($1, $2::jsonb)',
    values: [runnerId, JSON.stringify(items)],
  });
  const byId = new Map(rows.map((row) => [row.task_id, row.outcome]));
  return {
    live: !rows.some(({ outcome }) => outcome === 'fenced'),
    took: starting.map(({ id }) => {
      const outcome = byId.get(id);
      return outcome === undefined || outcome === 'fenced' ? 'gone' : outcome;
    }),
  };
}

/**
 * Whether slots of these keys, each a list of rules as JSON text, must be freed when their attempts end,
 * rather than used by the next attempt of the same runner: tasks wait for them, or a limit is smaller now
 * than what is taken, or gone, or its key is held. Uses limit_waits_next_idx and the primary key of limit_slots.
 */
export async function mustBeFreed(database: Database, keys: readonly string[]): Promise<boolean[]> {
  const { rows } = await database.query<{ must: boolean }>({
    name: 'must_be_freed',
    text: `
      select exists (
               select
                 from jsonb_array_elements(g.keys) rule
                 left join errand.limits l on l.name = rule ->> 0
                where l.name is null
                   or exists (select from errand.limit_waits w where w.limit_name = rule ->> 0 and w.key = rule ->> 1)
                   or exists (select
                                from errand.limit_keys k
                               where k.limit_name = rule ->> 0 and k.key = rule ->> 1 and k.held_until > clock_timestamp())
                   or l.slots < (select count(*)
                                   from errand.limit_slots s
                                  where s.limit_name = rule ->> 0 and s.key = rule ->> 1)) as must
        from jsonb_array_elements($1::jsonb) with ordinality as g (keys, number)
       order by g.number`,
    values: [`[${keys.join(',')}]`],
  });
  return rows.map(({ must }) => must);
}

/** An attempt that has slots. */
export type OfSlots = { id: string; dispatchId: string };

/**
 * Frees the slots of attempts that ended without an outcome: their task was decided before they
 * started, or their handler returned after they were given up. It may be repeated.
 */
export async function freeSlots(
  database: Database,
  runnerId: number,
  attempts: readonly OfSlots[],
): Promise<void> {
  await database.query({
    name: 'free_slots',
    text: 'select errand.free_slots($1::uuid[], $2::uuid[], array_fill($3::integer, array[cardinality($1::uuid[])]))',
    values: [
      arrayOf(attempts.map(({ id }) => id)),
      arrayOf(attempts.map(({ dispatchId }) => dispatchId)),
      runnerId,
    ],
  });
}

/**
 * A part of a statement, `freed`: frees the slots of ended attempts of the runner `$1`. `given` is a
 * relation `g` with the columns id and dispatch_id, and a condition. The relations `written` have
 * locked all tasks before. Outcomes that did not count free theirs too. The statement must read it.
 */
export function freeSlotsOf(given: string, written: readonly string[]): string {
  const isWritten = written.map((part) => `(select count(*) from ${part}) >= 0`).join(' and ');
  return `
  freed as (
    select errand.free_slots(array_agg(g.id), array_agg(g.dispatch_id), array_agg($1::integer))
      from ${given} and ${isWritten}
    having count(*) > 0
  )`;
}

/**
 * Gives the slots of an attempt to the process that executes it alone, which is a runner too. Gives
 * false if the parent is no longer live: then another runner took its work over.
 */
export async function moveSlots(
  database: Database,
  attempt: OfSlots,
  from: number,
  to: number,
): Promise<boolean> {
  const { rows } = await database.query<{ live: boolean }>(
    `with fence as materialized (
       select id from errand.runners where id = $3 and ended_at is null for key share
     ),
     moved as (
       update errand.limit_slots s
          set runner_id = $4
         from fence
        where s.task_id = $1 and s.dispatch_id = $2 and s.runner_id = fence.id
     )
     select exists (select from fence) as live`,
    [attempt.id, attempt.dispatchId, from, to],
  );
  return rows[0]?.live === true;
}
