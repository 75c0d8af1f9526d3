import type { LimitKey } from '../../core/limits/key.ts';
import { arrayOf } from '../database/arrays.ts';
import type { Database } from '../database/pool.ts';

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

const LOAD_DISPATCHES = 'select dispatch_id, due from errand.load_attempts($1::uuid[], $2::uuid[])';

/** The values of one due attempt, in the order of errand.load_attempts. */
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

/** The slots of limits that some of these attempts got, by dispatch id. */
type HeldSlots = Record<string, [id: string, dispatchId: string, limit: string, key: string]>;

/**
 * The attempts that a statement has handed off, from the JSON texts of errand.hand_off_dependents and
 * errand.hand_off_slots.
 */
export function heldAttempts(
  held: string | null | undefined,
  slots: string | null | undefined,
): DueAttempt[] {
  if (held === null || held === undefined) return [];
  const bySlot = JSON.parse(slots ?? '{}') as HeldSlots;
  return (JSON.parse(held) as [dispatchId: string, due: Row[]][]).flatMap(([dispatchId, due]) =>
    due.map((row) => {
      const attempt = toAttempt(dispatchId, row);
      const slot = bySlot[dispatchId];
      if (slot === undefined) return attempt;
      const [id, ofDispatch, limit, key] = slot;
      const holdKey = [limit, key] as const;
      return {
        ...attempt,
        ...{
          hasSlots: true,
          holdKey,
          slots: { id, dispatchId: ofDispatch, keys: JSON.stringify([holdKey]) },
        },
      };
    }),
  );
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
