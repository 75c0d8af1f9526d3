import { STARTABLE } from '../core/states.ts';
import { arrayOf } from './arrays.ts';
import { isHeldBy } from './pauses.ts';
import type { Database } from './pool.ts';
import { usable } from './steps.ts';

/** An attempt that may start now. */
export type DueAttempt = {
  id: string;
  /** The ring that its task names: what the attempt reports counts as long as that is so. */
  ring: string;
  name: string;
  /** That it was submitted with. */
  version: string;
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

/** Bytes of JSON beyond which a payload is read when its attempt starts: rings announce up to a hundred tasks. */
const LARGE_JSON_BYTES = 65_536;
/** What is stored in up to this many bytes has some 500 KB at most, whichever way Postgres compresses it. */
const SMALL_STORED_BYTES = 2_000;

/**
 * How many bytes a jsonb expression has as text, or just as it is stored when that is small, or is beyond `$4` already.
 * Texts of some MB may be stored in 64 KB: a hundred would be more than a string of Node holds.
 */
function bytesOf(json: string): string {
  return `
    case
      when pg_column_size(${json}) between ${SMALL_STORED_BYTES} and $4 then octet_length(${json}::text)
      else pg_column_size(${json})
    end`;
}

/** A ring and the tasks it announces. `needs`: the version of their definition that its runner must have at least, if any. */
export type Ring = { key: string; taskIds: string[]; needs?: string | null };

/**
 * Reads, for many rings at once, which of the attempts they announce are still due: the task names this very
 * ring and has not started, ended or been re-armed since. It writes nothing: a runner that dies after it has
 * changed nothing. Gives the due attempts of each ring, in the order of `rings`. Relies on the primary key.
 *
 * It also tells what is paused, as of this statement. The first of the two subselects does not depend on the task, so it
 * is run once, and while nothing is paused it is all that it costs.
 *
 * The results of the steps before come by tasks_parent_id_step_key; plain tasks have no parent, and cost it nothing.
 *
 * The attempts of a ring come as one JSON text: as columns of rows they took a fifth of all that a runner did for tasks
 * that end at once (issue 7).
 */
export async function beginRings(database: Database, rings: Ring[]): Promise<DueAttempt[][]> {
  const { rows } = await database.query<{ ring: string; due: string }>({
    name: 'begin_rings',
    text: BEGIN_RINGS,
    values: [
      arrayOf(rings.flatMap((ring) => ring.taskIds)),
      arrayOf(rings.flatMap((ring) => ring.taskIds.map(() => ring.key))),
      STARTABLE,
      LARGE_JSON_BYTES,
    ],
  });
  const byRing = new Map(
    rows.map(({ ring, due }) => [ring, (JSON.parse(due) as Row[]).map((row) => toAttempt(ring, row))]),
  );
  return rings.map((ring) => byRing.get(ring.key) ?? []);
}

const BEGIN_RINGS = `
  select t.ring,
         json_agg(
           json_build_array(
             t.id, t.name, t.attempt, t.max_attempts, t.priority, t.crashes,
             extract(epoch from now() - t.run_at)::float8 * 1000,
             case when ${bytesOf('t.payload')} <= $4 then t.payload end,
             t.request_id, t.traceparent, t.initiator, t.source_system, t.parent_id, t.children > 0 is true,
             case
               when t.parent_id is null then '{}'
               else (select case
                              when coalesce(sum(${bytesOf('b.result')}), 0) <= $4
                              then coalesce(jsonb_object_agg(b.step, ${usable('b')}) filter (where not b.skipped), '{}')
                            end
                       from errand.tasks b
                      where b.parent_id = t.parent_id and b.step = any (t.after))
             end,
             exists (select from errand.pauses)
               and exists (select from errand.pauses p where ${isHeldBy('t.name', 'p.target')}),
             t.version)
           order by t.id)::text as due
    -- Of a limit that it can't know the planner expects one row, so it keeps the plan: planning was over half of all.
    from (select * from unnest($1::uuid[], $2::uuid[]) as a (id, ring) limit cardinality($1)) announced
    join errand.tasks t on t.id = announced.id and t.ring = announced.ring
   where t.state = any ($3)
   group by t.ring`;

/** The values of one due attempt, in the order in which BEGIN_RINGS has them. */
type Row = [
  ...[id: string, name: string, attempt: number, maxAttempts: number, priority: number, crashes: number],
  ...[waitedMs: number, payload: unknown, requestId: string | null, traceparent: string | null],
  ...[initiator: string | null, sourceSystem: string | null, parentId: string | null, hasChildren: boolean],
  ...[results: Record<string, unknown> | null, paused: boolean, version: string],
];

function toAttempt(ring: string, row: Row): DueAttempt {
  return {
    ring,
    id: row[0],
    name: row[1],
    attempt: row[2],
    maxAttempts: row[3],
    priority: row[4],
    crashes: row[5],
    waitedMs: row[6],
    payload: row[7],
    requestId: row[8],
    traceparent: row[9],
    initiator: row[10],
    sourceSystem: row[11],
    parentId: row[12],
    hasChildren: row[13],
    results: row[14],
    paused: row[15],
    version: row[16],
  };
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
