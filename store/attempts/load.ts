import type { LimitKey } from '../../core/limits/key.ts';
import { STARTABLE } from '../../core/states.ts';
import { arrayOf } from '../database/arrays.ts';
import type { Database } from '../database/pool.ts';
import { isHeldBy } from '../tasks/pauses.ts';
import { usable } from '../workflows/steps.ts';

/** An attempt that may start now. */
export type DueAttempt = {
  id: string;
  /**
   * The dispatch that its task names. Reports of the attempt count as long as the task names it.
   */
  dispatchId: string;
  name: string;
  /** The version that it was submitted with. */
  version: string;
  attempt: number;
  maxAttempts: number;
  priority: number;
  /** How long it has been due. */
  waitedMs: number;
  /** How often its runner died while it ran. */
  crashes: number;
  /**
   * Its start is written before it runs: its runner died while it ran or may have run, or it is
   * debounced, and a submission at this moment may give it another payload and dispatch.
   */
  isSuspect: boolean;
  /** Null if it is large: `readPayload` reads it. */
  payload: unknown;
  requestId: string | null;
  traceparent: string | null;
  initiator: string | null;
  sourceSystem: string | null;
  /** The task whose step or child it is. */
  parentId: string | null;
  /** It has children, all of which have ended. */
  hasChildren: boolean;
  /**
   * For a step: the results of the steps that it comes after, by name, except skipped ones. Null if
   * they are large: `readResults` reads them.
   */
  results: Record<string, unknown> | null;
  /** Its name, or a target that holds it, is paused: it must not start. */
  paused: boolean;
  /** Its runner has the slots of its limits. Missing without limits. */
  hasSlots?: boolean;
  /** The key of a limit that is held if something outside refuses more. Missing without limits. */
  holdKey?: Readonly<LimitKey>;
  /**
   * The attempt that took these slots from the ledger, which is another one if that has handed them
   * on, and the keys of the limits as a text.
   */
  slots?: { id: string; dispatchId: string; keys: string };
  /** The time of the schedule that it stands for, ISO 8601. */
  scheduledFor: string | null;
  /** The key of its limits with keys, if its submission gave one. */
  concurrencyKey?: string | null;
  /** How long it may take, in ms, if its submission says so; otherwise as the policy says. */
  timeoutMs?: number | null;
  /** It must start in time, so its start is written before it runs. */
  expires: boolean;
  /** It waited for a slot of a limit, and the ledger keeps one for it. Missing if not. */
  wasCalled?: boolean;
};

/**
 * A payload of more bytes of JSON is read only when its attempt starts, because a dispatch
 * announces up to a hundred tasks.
 */
const LARGE_JSON_BYTES = 65_536;
/**
 * A value that is stored in up to this many bytes has at most about 500 KB, whichever compression
 * Postgres uses.
 */
const SMALL_STORED_BYTES = 2_000;

/**
 * The number of bytes of a jsonb expression as text. If the stored size is small, or already beyond
 * `$4`, it is the stored size. A text of several MB may be stored in 64 KB: a hundred of these
 * would exceed the longest string of Node.
 */
function bytesOf(json: string): string {
  return `
    case
      when pg_column_size(${json}) between ${SMALL_STORED_BYTES} and $4 then octet_length(${json}::text)
      else pg_column_size(${json})
    end`;
}

/**
 * A dispatch and the tasks that it announces. `needs` is the least version of their definition that
 * its runner must have, if any.
 */
export type Dispatch = { key: string; taskIds: string[]; needs?: string | null };

/**
 * Reads, for many dispatches at once, which of the announced attempts are still due: the task names
 * this dispatch, its time is not over, and it has not started, ended or been retried since. It writes nothing, so a runner
 * that dies after it has changed nothing. Gives the due attempts of each dispatch, in the order of
 * `dispatches`. Uses the primary key.
 *
 * It also reads which attempts are paused, and which were called for a slot, as of this statement. The
 * first of each two subselects does not depend on the task, so it runs once, and is the only cost while
 * nothing is paused, or waits.
 *
 * The results of earlier steps are read by tasks_parent_id_step_key. A plain task has no parent, so
 * this costs nothing.
 *
 * The attempts of a dispatch come as one JSON text: columns of rows took a fifth of a runner's CPU
 * time for tasks that end at once (issue 7).
 */
export async function loadDispatches(database: Database, dispatches: Dispatch[]): Promise<DueAttempt[][]> {
  const { rows } = await database.query<{ dispatch_id: string; due: string }>({
    name: 'load_dispatches',
    text: LOAD_DISPATCHES,
    values: [
      arrayOf(dispatches.flatMap((dispatch) => dispatch.taskIds)),
      arrayOf(dispatches.flatMap((dispatch) => dispatch.taskIds.map(() => dispatch.key))),
      STARTABLE,
      LARGE_JSON_BYTES,
    ],
  });
  const byDispatch = new Map(
    rows.map(({ dispatch_id: dispatchId, due }) => [
      dispatchId,
      (JSON.parse(due) as Row[]).map((row) => toAttempt(dispatchId, row)),
    ]),
  );
  return dispatches.map((dispatch) => byDispatch.get(dispatch.key) ?? []);
}

const LOAD_DISPATCHES = `
  select t.dispatch_id,
         json_agg(
           json_build_array(
             t.id, t.name, t.attempt, t.max_attempts, t.priority, t.crashes,
             least(errand.duration_ms(now() - t.run_at), 1e12),
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
             t.version, t.suspect or t.crashes > 0 or coalesce(t.dedup = 'debounce', false), t.scheduled_for,
             exists (select from errand.limit_waits)
               and exists (select from errand.limit_waits w where w.task_id = t.id),
             t.expires_at is not null, t.concurrency_key, t.timeout_ms)
           order by t.id)::text as due
    -- For an unknown limit the planner expects one row, so it keeps the plan: planning was over
    -- half of the cost.
    from (select * from unnest($1::uuid[], $2::uuid[]) as a (id, dispatch_id) limit cardinality($1)) announced
    join errand.tasks t on t.id = announced.id and t.dispatch_id = announced.dispatch_id
   where t.state = any ($3) and (t.expires_at is null or t.expires_at > now())
   group by t.dispatch_id`;

/** The values of one due attempt, in the order of LOAD_DISPATCHES. */
type Row = [
  ...[id: string, name: string, attempt: number, maxAttempts: number, priority: number, crashes: number],
  ...[waitedMs: number, payload: unknown, requestId: string | null, traceparent: string | null],
  ...[initiator: string | null, sourceSystem: string | null, parentId: string | null, hasChildren: boolean],
  ...[results: Record<string, unknown> | null, paused: boolean, version: string, isSuspect: boolean],
  ...[scheduledFor: string | null, wasCalled: boolean, expires: boolean, concurrencyKey: string | null],
  ...[timeoutMs: number | null],
];

function toAttempt(dispatchId: string, row: Row): DueAttempt {
  return {
    dispatchId,
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
    isSuspect: row[17],
    scheduledFor: row[18],
    wasCalled: row[19],
    expires: row[20],
    concurrencyKey: row[21],
    timeoutMs: row[22],
  };
}

/** The payload of a task whose attempt is about to start. Null if the task is gone. */
export async function readPayload(database: Database, taskId: string): Promise<unknown> {
  const { rows } = await database.query<{ payload: unknown }>({
    name: 'read_payload',
    text: 'select payload from errand.tasks where id = $1',
    values: [taskId],
  });
  return rows[0]?.payload ?? null;
}
