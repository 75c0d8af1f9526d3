import { STARTABLE } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { addDispatches } from '../submit/add_dispatches.ts';
import { type DueAttempt, heldAttempts } from './load.ts';

/**
 * The tasks that a statement that records outcomes may hand off to its runner: up to `room` of those of these
 * names that become due by it (errand.hand_off_dependents).
 */
export type Offer = {
  names: readonly string[];
  room: number;
  /**
   * The same for tasks that get the slots of attempts that have ended. They need no other slot of a limit
   * (errand.hand_off_slots).
   */
  limited?: { names: readonly string[]; room: number };
};

/** Nothing is handed off. */
export const NO_OFFER: Offer = { names: [], room: 0 };

/** How a workflow ends whose result is that of its last step. `result` is JSON text. */
export type ParentEnd = { name: string; result: string };

/** The attempts that the runner holds now, and the workflows that ended with the result of their last step. */
export type HandedOff = { held: DueAttempt[]; ended: ReadonlySet<string> };

/** From the columns of errand.hand_off_dependents and errand.hand_off_slots. */
export function handedOff(
  row: { held?: string | null; slots?: string | null; ended?: string[] | null } | undefined,
): HandedOff {
  return { held: heldAttempts(row?.held, row?.slots), ended: new Set(row?.ended ?? []) };
}

/** A held task, which is due and has not started as far as the ledger knows. */
export type Held = { id: string; dispatchId: string };

/**
 * The due tasks that a runner holds. If the answer of a statement was lost, the runner does not know of
 * some of them. Uses tasks_held_idx.
 */
export async function readHeld(database: Database, runnerId: number): Promise<Held[]> {
  const { rows } = await database.query<Held>({
    name: 'read_held',
    text: `
      select t.id, t.dispatch_id as "dispatchId"
        from errand.tasks t
       where t.dispatch_id between errand.first_held($1) and errand.last_held($1)
         and t.dispatch_id >= ${FIRST_HELD}
         and t.state in (${STARTABLE_STATES})`,
    values: [runnerId],
  });
  return rows;
}

/**
 * Dispatches what ended runners held, for any runner. With `areSuspects`, one of these tasks may have started
 * and killed its runner: no crash is counted, but from now on the start of each is written before it runs. It is
 * part of the transaction that ends the runners: after a crash before its commit they hold everything as before.
 */
export async function requeueHeld(
  database: Database,
  runnerIds: readonly number[],
  areSuspects: boolean,
): Promise<void> {
  await database.query({
    name: areSuspects ? 'requeue_held_suspects' : 'requeue_held',
    text: `
      with ${requeuedHeld('unnest($1::integer[]) as ended (id)', areSuspects)}
      select count(*) from dispatched`,
    values: [runnerIds],
  });
}

/**
 * The parts `requeued` and `dispatched` of a statement, which must read the second: they dispatch what the
 * runners of `ended`, a relation of that name with the column id, hold. Uses tasks_held_idx.
 */
export function requeuedHeld(ended: string, areSuspects: boolean): string {
  return `requeued as (
        update errand.tasks t
           set dispatch_id = gen_random_uuid(),
               suspect = t.suspect or ${areSuspects}
          from ${ended}
         where t.dispatch_id between errand.first_held(ended.id) and errand.last_held(ended.id)
           and t.dispatch_id >= ${FIRST_HELD}
           and t.state in (${STARTABLE_STATES})
        returning t.id, t.name, t.priority, t.dispatch_id, t.run_at
      ),${addDispatches('requeued')}`;
}

// Written out: with parameters the planner could not use the partial index.
const FIRST_HELD = `'ffffffff-0000-8000-b000-000000000000'`;
const STARTABLE_STATES = STARTABLE.map((state) => `'${state}'`).join(', ');
