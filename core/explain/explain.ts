import type { ErrorRecord } from '../errors.ts';
import { inWords, type State } from '../states.ts';
import { findCancelled, findExpired, findFailure, findResolved, findSuccess } from './explain_ended.ts';
import type { Facts, Finding, Reason } from './explain_facts.ts';
import { findRunning, findWaiting, isStartable, startEstimate } from './explain_open.ts';

/**
 * Why a task is not running, what it is doing, or how it ended, in the form of the API. Times are ISO 8601.
 */
export type Explanation = {
  id: string;
  name: string;
  /** The version at the submission. Its runner must have this version or a newer one. */
  version: string;
  state: State;
  /** The first reason in one sentence. */
  summary: string;
  /** The most important first. There is always one. */
  reasons: Reason[];
  /** Possible remedies. */
  next_steps: string[];
  /** Null if the task is not due. */
  queue: { position: number; position_is_capped: boolean; estimated_start_at: string | null } | null;
  runners: Facts['runners'];
  attempt: number;
  max_attempts: number;
  /** When the next attempt is or was due; null if there is none. */
  next_attempt_at: string | null;
  /** The error of the last attempt that did not succeed. */
  last_error: ErrorRecord | null;
  explained_at: string;
};

/** Explains a task from the facts about it. */
export function explain(facts: Facts): Explanation {
  const { task, queue } = facts;
  const findings = findingsOf(facts);
  return {
    id: task.id,
    name: task.name,
    version: task.version,
    state: task.state,
    summary: summaryOf(facts, findings),
    reasons: findings.map(({ next, ...reason }) => reason),
    next_steps: [...new Set(findings.flatMap(({ next }) => next ?? []))],
    queue: queue && {
      position: queue.ahead + 1,
      position_is_capped: queue.is_capped,
      estimated_start_at: startEstimate(facts),
    },
    runners: facts.runners,
    attempt: task.attempt,
    max_attempts: task.max_attempts,
    next_attempt_at: isStartable(task.state) ? task.run_at : null,
    last_error: task.error ?? facts.failure?.error ?? null,
    explained_at: facts.now,
  };
}

function findingsOf(facts: Facts): Finding[] {
  switch (facts.task.state) {
    case 'running':
      return findRunning(facts);
    case 'succeeded':
      return [findSuccess(facts)];
    case 'failed':
      return findFailure(facts);
    case 'cancelled':
      return [findCancelled(facts)];
    case 'resolved':
      return [findResolved(facts)];
    case 'expired':
      return [findExpired(facts)];
    default:
      return findWaiting(facts);
  }
}

/** `billing.send_invoice is queued: no runner is live.` */
function summaryOf({ task }: Facts, findings: Finding[]): string {
  const state = task.state === 'resolved' ? 'was resolved by hand' : inWords(task.state);
  return `${task.name} ${[state, ...findings.slice(0, 1).map(inMiddle)].join(': ')}.`;
}

/** A message as it continues after a colon: in lower case, unless it starts with the name of an actor. */
function inMiddle({ message, actor }: Finding): string {
  if (actor !== undefined && message.startsWith(actor)) return message;
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
