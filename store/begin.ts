import { STARTABLE } from '../core/states.ts';
import type { Database } from './pool.ts';

/** An attempt that may start now. */
export type DueAttempt = {
  id: string;
  name: string;
  attempt: number;
  maxAttempts: number;
  priority: number;
  /** More than 0: its runner died while it ran, or may have run. */
  crashes: number;
  payload: unknown;
  requestId: string | null;
  traceparent: string | null;
};

/** A ring and the tasks it announces. */
export type Ring = { key: string; taskIds: string[] };

/**
 * Reads, for many rings at once, which of the attempts they announce are still due: the task names this very
 * ring and has not started, ended or been re-armed since. It writes nothing: a runner that dies after it has
 * changed nothing. Gives the due attempts of each ring, in the order of `rings`. Relies on the primary key.
 */
export async function beginRings(database: Database, rings: Ring[]): Promise<DueAttempt[][]> {
  const { rows } = await database.query<DueAttempt & { ring: string }>({
    name: 'begin_rings',
    text: `
      select t.ring, t.id, t.name, t.attempt, t.max_attempts as "maxAttempts", t.priority, t.crashes, t.payload,
             t.request_id as "requestId", t.traceparent
        from unnest($1::uuid[], $2::uuid[]) as announced (id, ring)
        join errand.tasks t on t.id = announced.id and t.ring = announced.ring
       where t.state = any ($3)
       order by t.id`,
    values: [
      rings.flatMap((ring) => ring.taskIds),
      rings.flatMap((ring) => ring.taskIds.map(() => ring.key)),
      STARTABLE,
    ],
  });
  const byRing = Map.groupBy(rows, (row) => row.ring);
  return rings.map((ring) => byRing.get(ring.key) ?? []);
}
