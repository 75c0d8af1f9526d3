import type { ErrorRecord } from './errors.ts';
import { findCancelled, findFailure, findResolved, findSuccess } from './explain_ended.ts';
import type { Facts, Finding, Reason } from './explain_facts.ts';
import { findRunning, findWaiting, isStartable, startEstimate } from './explain_open.ts';
import { inWords, type State } from './states.ts';

/** Why a task is not running, or what it is at, or how it ended; as the wire has it, times are ISO 8601. */
export type Explanation = {
  id: string;
  name: string;
  /** That it was submitted with, and which its runner has to know. */
  version: string;
  state: State;
  /** One sentence, of the first reason. */
  summary: string;
  /** The most important first; there is always one. */
  reasons: Reason[];
  /** What somebody can do about them. */
  next_steps: string[];
  /** Null when it is not due. */
  queue: { position: number; position_is_capped: boolean; estimated_start_at: string | null } | null;
  runners: Facts['runners'];
  attempt: number;
  max_attempts: number;
  /** When the attempt that is to come is or was due; null when none is. */
  next_attempt_at: string | null;
  /** Of the last attempt that did not succeed. */
  last_error: ErrorRecord | null;
  explained_at: string;
};

/** Explains a task from what is known of it. */
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
    default:
      return findWaiting(facts);
  }
}

/** `billing.send_invoice is queued: no runner is live.` */
function summaryOf({ task }: Facts, findings: Finding[]): string {
  const state = task.state === 'resolved' ? 'was resolved by hand' : inWords(task.state);
  return `${task.name} ${[state, ...findings.slice(0, 1).map(inMiddle)].join(': ')}.`;
}

/** A message as it goes on after a colon. Who did it keeps the name's first letter. */
function inMiddle({ message, actor }: Finding): string {
  if (actor !== undefined && message.startsWith(actor)) return message;
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
