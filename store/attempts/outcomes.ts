import { assignDispatches } from '../../core/dispatches.ts';
import type { ErrorRecord } from '../../core/errors.ts';
import { OPEN } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { type Submission, toItems } from '../submit/submit.ts';
import { type HandedOff, handedOff, NO_OFFER, type Offer, type ParentEnd } from './hand_off.ts';
import { recordStatement } from './record_outcomes.ts';
import type { LogLine, Progress } from './running.ts';

export type OfAttempt = {
  id: string;
  /** The dispatch that the attempt ran for. */
  dispatchId: string;
  name: string;
  priority: number;
  attempt: number;
  durationMs: number;
  /** The task whose step or child it is. */
  parentId: string | null;
  /** It has children, all of which have ended. */
  hasChildren: boolean;
  /** The log lines and the progress that are not written yet. */
  lines: LogLine[];
  progress: Progress | null;
  /**
   * Whether it took slots of limits, which its outcome frees. Not for a handler that did not return:
   * its slots are taken until it does.
   */
  hasSlots?: boolean;
  /** The attempt that took these slots, if that is another one: it has handed them on. */
  slots?: { id: string; dispatchId: string; keys: string } | undefined;
};

/** The ends of an attempt whose handler did not throw. */
export type Returned =
  | {
      kind: 'succeeded';
      /** JSON text. */
      result: string | null;
      /** Its condition did not hold, so it was not run. */
      skipped?: boolean;
      /** The tasks that the handler submitted. */
      followUps?: Submission[];
      /** It is the last step of a workflow, and its result is the workflow's. */
      endsParent?: ParentEnd;
    }
  /**
   * It continues when its children have ended: new ones, or a step of its graph that waits for
   * this.
   */
  | { kind: 'continued'; children: Submission[] }
  | { kind: 'continued'; release: string };

/** How an attempt ended, as the runner saw it. The ledger decides the new state of the task. */
export type Outcome = OfAttempt &
  (
    | Returned
    /** `retryInMs` is null if another attempt would not help. */
    | { kind: 'failed' | 'timed_out'; error: ErrorRecord; retryInMs: number | null }
    /** A client or an operator asked for its end. */
    | { kind: 'cancelled'; error: ErrorRecord }
    /**
     * The runner stopped, or the handler put the task off: no failure, and no attempt lost. With `holdsKey`
     * something outside refuses more for that time: nothing more of its limit starts.
     */
    | { kind: 'interrupted'; error: ErrorRecord; againInMs?: number; holdsKey?: true }
  );

/**
 * `fenced`: the runner is no longer live, nothing was recorded, and it must leave. `failedOfSchedules`:
 * the names of the tasks of schedules that have now failed for good, without steps and children.
 */
export type Recorded = {
  fenced: boolean;
  ids: Set<string>;
  failedOfSchedules?: readonly string[];
} & Partial<HandedOff>;

/** Retries that fall due within this time of each other share a dispatch. */
const RETRY_BUCKET_MS = 250;

/**
 * Records the outcomes of many attempts in one statement: the fence, compare-and-swap on (task,
 * attempt, dispatch), the result or error, attempt rows of unsuccessful attempts, the last log
 * lines, dispatches of retries, follow-ups and children, and the steps that can start now. `ids`
 * are the tasks whose outcome counted. For the others something else was faster (a cancellation, a
 * recovery), and nothing changed. Parents are locked first, see errand.unblock_dependents.
 *
 * After a crash before the commit nothing is recorded, the dispatches are still locked, and their
 * recovery runs the attempts again. After the commit the old dispatches are stale and are dropped
 * when they are fetched.
 */
export async function recordOutcomes(
  database: Database,
  runnerId: number,
  outcomes: Outcome[],
  offer: Offer = NO_OFFER,
): Promise<Recorded> {
  const assigned = assignDispatches(
    outcomes.map((outcome) => ({ outcome })),
    ({ outcome }) => `${outcome.name} ${outcome.priority} ${nextInMs(outcome)}`,
  );
  const { rows } = await database.query<{
    live: boolean;
    ids: string[];
    failed: string[] | null;
    held: string | null;
    ended: string[] | null;
  }>({
    ...recordStatement(outcomes.some(({ hasSlots }) => hasSlots)),
    values: [
      runnerId,
      JSON.stringify(assigned.map(toColumns)),
      OPEN,
      new Date().toISOString(),
      offer.names,
      offer.room,
    ],
  });
  const row = rows[0];
  return {
    ...{ fenced: row?.live !== true, ids: new Set(row?.ids), failedOfSchedules: row?.failed ?? [] },
    ...handedOff(row),
  };
}

function nextInMs(outcome: Outcome): number | null {
  if (outcome.kind === 'interrupted') return outcome.againInMs ?? 0;
  if (outcome.kind !== 'failed' && outcome.kind !== 'timed_out') return null;
  const { retryInMs } = outcome;
  return retryInMs === null ? null : Math.ceil(retryInMs / RETRY_BUCKET_MS) * RETRY_BUCKET_MS;
}

function toColumns(assigned: { outcome: Outcome; dispatchId: string }): Record<string, unknown> {
  const { outcome, dispatchId } = assigned;
  return {
    id: outcome.id,
    dispatch_id: outcome.dispatchId,
    attempt: outcome.attempt,
    kind: outcome.kind,
    result: outcome.kind === 'succeeded' ? JSON.parse(outcome.result ?? 'null') : undefined,
    error: 'error' in outcome ? outcome.error : undefined,
    duration_ms: outcome.durationMs,
    next_in_ms: nextInMs(outcome),
    next_dispatch_id: dispatchId,
    lines: outcome.lines.length > 0 ? outcome.lines : undefined,
    progress: outcome.progress?.fraction,
    progress_note: outcome.progress?.note,
    parent_id: outcome.parentId,
    slots_id: outcome.hasSlots ? (outcome.slots?.id ?? outcome.id) : undefined,
    slots_dispatch_id: outcome.hasSlots ? (outcome.slots?.dispatchId ?? outcome.dispatchId) : undefined,
    ...continuation(outcome),
  };
}

function continuation(outcome: Outcome): Record<string, unknown> {
  if (outcome.kind === 'succeeded') {
    const { skipped, endsParent, followUps = [] } = outcome;
    return {
      ...{ skipped, ending: endsParent?.result },
      submissions: followUps.length > 0 ? toItems(followUps) : undefined,
    };
  }
  if (outcome.kind !== 'continued') return {};
  if ('release' in outcome) return { release: outcome.release };
  return { children: outcome.children.length, submissions: toItems(outcome.children) };
}
