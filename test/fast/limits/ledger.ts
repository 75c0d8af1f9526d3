import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { registerRunner } from '../../../store/attempts/runners.ts';
import { freeSlots, takeSlots } from '../../../store/limits/slots.ts';
import { submit } from '../../support/tasks.ts';

/** The keys of an attempt in the order of its rules. */
export type Keys = readonly (readonly [limit: string, key: string])[];

/** A task that a test moves through the ledger by hand. */
export type Moved = { id: string; keys: Keys };

/** Slots and waits of limits without runners: each step is one statement. */
export function ledgerOf(pool: Pool) {
  const dispatchOf = async (id: string): Promise<string> => {
    const { rows } = await pool.query<{ dispatch_id: string | null }>(
      'select dispatch_id from errand.tasks where id = $1',
      [id],
    );
    return rows[0]?.dispatch_id ?? randomUUID();
  };
  return {
    dispatchOf,
    /** Forgets all slots, waits and tasks. */
    async clear(): Promise<void> {
      await pool.query(
        `delete from errand.limit_slots; delete from errand.limit_waits; delete from errand.limit_turns;
         delete from errand_worker._private_jobs; delete from errand.tasks`,
      );
    },
    runner: (): Promise<number> =>
      registerRunner(pool, {
        ...{ host: 'test', pid: 1, version: 'test', taskNames: [], concurrency: 1, leaseSecs: 3_600 },
      }),
    async limit(name: string, slots: number): Promise<void> {
      await pool.query(
        `insert into errand.limits (name, declared_slots) values ($1, $2)
         on conflict (name) do update set declared_slots = excluded.declared_slots`,
        [name, slots],
      );
    },
    async tasks(name: string, ...all: Keys[]): Promise<Moved[]> {
      const made = await submit(pool, ...all.map(() => ({ name, payload: {} })));
      return made.map(({ id }, index) => ({ id, keys: all[index] ?? [] }));
    },
    /** Takes the slots of tasks, each for the dispatch that it names now. */
    async take(runner: number, ...tasks: Moved[]) {
      const starting = [];
      for (const { id, keys } of tasks)
        starting.push({
          id,
          dispatchId: await dispatchOf(id),
          keys: keys.map(([limit, key]) => [limit, key] as [string, string]),
        });
      return (await takeSlots(pool, runner, starting)).took;
    },
    async free(runner: number, ...tasks: Moved[]): Promise<void> {
      const attempts = [];
      for (const { id } of tasks) attempts.push({ id, dispatchId: await dispatchOf(id) });
      await freeSlots(pool, runner, attempts);
    },
    /** The tasks that were called and have not started. */
    async called(): Promise<string[]> {
      const { rows } = await pool.query<{ task_id: string }>(
        'select task_id from errand.limit_waits where called_at is not null order by called_at, task_id',
      );
      return rows.map((row) => row.task_id);
    },
    /** The tasks that wait and were not called. */
    async waiting(): Promise<Set<string>> {
      const { rows } = await pool.query<{ task_id: string }>(
        'select task_id from errand.limit_waits where called_at is null',
      );
      return new Set(rows.map((row) => row.task_id));
    },
    async holders(limit: string, key = ''): Promise<{ task_id: string; runner_id: number }[]> {
      const { rows } = await pool.query<{ task_id: string; runner_id: number }>(
        'select task_id, runner_id from errand.limit_slots where limit_name = $1 and key = $2 order by runner_id',
        [limit, key],
      );
      return rows;
    },
  };
}
