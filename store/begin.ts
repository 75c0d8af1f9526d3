import { STARTABLE } from '../core/states.ts';
import { isHeldBy } from './pauses.ts';
import type { Database } from './pool.ts';
import { usable } from './steps.ts';

/** An attempt that may start now. */
export type DueAttempt = {
  id: string;
  /** The ring that its task names: what the attempt reports counts as long as that is so. */
  ring: string;
  name: string;
  attempt: number;
  maxAttempts: number;
  priority: number;
  /** How long it has been due. */
  waitedMs: number;
  /** More than 0: its runner died while it ran, or may have run. */
  crashes: number;
  /** Null when it is large: `readPayload` gives it. */
  payload: unknown;
  requestId: string | null;
  traceparent: string | null;
  initiator: string | null;
  sourceSystem: string | null;
  /** The task whose step or child it is. */
  parentId: string | null;
  /** It has children, all of which have ended. */
  hasChildren: boolean;
  /** Of a step: the results of those that it comes after, by name, but of skipped ones. Null when they are large: `readResults`. */
  results: Record<string, unknown> | null;
  /** Its name, or what it begins with, is paused: it must not start. */
  paused: boolean;
};

/** Stored bytes beyond which a payload is read when its attempt starts: rings announce up to a hundred tasks. */
const LARGE_PAYLOAD_BYTES = 65_536;

/** A ring and the tasks it announces. */
export type Ring = { key: string; taskIds: string[] };

/**
 * Reads, for many rings at once, which of the attempts they announce are still due: the task names this very
 * ring and has not started, ended or been re-armed since. It writes nothing: a runner that dies after it has
 * changed nothing. Gives the due attempts of each ring, in the order of `rings`. Relies on the primary key.
 *
 * It also tells what is paused, as of this statement. The first of the two subselects does not depend on the task, so it
 * is run once, and while nothing is paused it is all that it costs.
 *
 * The results of the steps before come by tasks_parent_id_step_key; plain tasks have no parent, and cost it nothing.
 */
export async function beginRings(database: Database, rings: Ring[]): Promise<DueAttempt[][]> {
  const { rows } = await database.query<DueAttempt>({
    name: 'begin_rings',
    text: `
      select t.ring, t.id, t.name, t.attempt, t.max_attempts as "maxAttempts", t.priority, t.crashes,
             extract(epoch from now() - t.run_at)::float8 * 1000 as "waitedMs",
             case when pg_column_size(t.payload) <= $4 then t.payload end as payload,
             t.request_id as "requestId", t.traceparent, t.initiator, t.source_system as "sourceSystem",
             t.parent_id as "parentId", t.children > 0 is true as "hasChildren",
             case when before.bytes <= $4 then before.results end as results,
             exists (select from errand.pauses)
               and exists (select from errand.pauses p where ${isHeldBy('t.name', 'p.target')}) as paused
        from unnest($1::uuid[], $2::uuid[]) as announced (id, ring)
        join errand.tasks t on t.id = announced.id and t.ring = announced.ring
       cross join lateral (
         select coalesce(sum(pg_column_size(b.result)), 0) as bytes,
                coalesce(jsonb_object_agg(b.step, ${usable('b')}) filter (where not b.skipped), '{}') as results
           from errand.tasks b
          where b.parent_id = t.parent_id and b.step = any (t.after)
       ) before
       where t.state = any ($3)
       order by t.id`,
    values: [
      rings.flatMap((ring) => ring.taskIds),
      rings.flatMap((ring) => ring.taskIds.map(() => ring.key)),
      STARTABLE,
      LARGE_PAYLOAD_BYTES,
    ],
  });
  const byRing = Map.groupBy(rows, (row) => row.ring);
  return rings.map((ring) => byRing.get(ring.key) ?? []);
}

/** The payload of a task whose attempt is about to start. Null when the task is gone. */
export async function readPayload(database: Database, taskId: string): Promise<unknown> {
  const { rows } = await database.query<{ payload: unknown }>({
    name: 'read_payload',
    text: 'select payload from errand.tasks where id = $1',
    values: [taskId],
  });
  return rows[0]?.payload ?? null;
}
