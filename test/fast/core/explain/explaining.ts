import type { ErrorRecord } from '../../../../core/errors.ts';
import { type Explanation, explain } from '../../../../core/explain/explain.ts';
import type { Facts, Member } from '../../../../core/explain/explain_facts.ts';

const NOW = Date.parse('2026-03-01T12:00:00.000Z');
/** So many seconds from now. */
export const at = (seconds: number): string => new Date(NOW + seconds * 1_000).toISOString();

export type Given = Partial<Omit<Facts, 'task'>> & { task?: Partial<Facts['task']> };

/** What is known of a task that is due for a second, next in its queue, with a free slot; and what is given. */
function facts({ task, ...given }: Given = {}): Facts {
  return {
    now: at(0),
    task: {
      id: '01a1fda3-8ecb-7e32-bbab-5d3baba36f01',
      name: 'billing.send',
      version: '1.0.0',
      state: 'queued',
      attempt: 1,
      max_attempts: 25,
      run_at: at(-1),
      expires_at: null,
      started_at: null,
      finished_at: null,
      crashes: 0,
      suspect: false,
      dismissed_at: null,
      resubmitted_as: null,
      cancel_requested_at: null,
      progress: null,
      progress_note: null,
      error: null,
      step: null,
      after: [],
      skipped: false,
      children: null,
      pending: 0,
      own_timeout_ms: null,
      ...task,
    },
    parent: null,
    family: null,
    failure: null,
    pauses: [],
    act: null,
    runners: { live: 2, able: 1, slots: 10, busy: 4, elsewhere: 0 },
    busy_with: [],
    older: { count: 0, some: [] },
    dispatch: { is_locked: false },
    runner: null,
    timeout_ms: 3_600_000,
    queue: { ahead: 0, is_capped: false },
    finished: { count: 0, since: null, mean_ms: null },
    limit: null,
    ...given,
  };
}

/** The record of an error. */
export function error(message: string, more: Partial<ErrorRecord> = {}): ErrorRecord {
  return {
    error_type: 'Error',
    message,
    error_code: null,
    retryable: true,
    metadata: null,
    stack: null,
    ...more,
  };
}

/** A step of a workflow; its id is made of its name. */
export function member(step: string, state: Member['state'], more: Partial<Member> = {}): Member {
  return {
    id: `id of ${step}`,
    name: `billing.send.${step}`,
    step,
    state,
    after: [],
    skipped: false,
    message: null,
    ...more,
  };
}

/** These as all that there is of a family. */
export function familyOf(...members: Member[]): Facts['family'] {
  const count = (...states: string[]): number => members.filter(({ state }) => states.includes(state)).length;
  return { done: count('succeeded', 'resolved'), failed: count('failed', 'cancelled'), members };
}

export const RUNNER = { id: 3, host: 'one', pid: 42, lease_until: at(10), has_ended: false, blocked: null };
export const NAMED = { id: 3, host: 'one', pid: 42 };
export const RETRY = 'PATCH /v1/tasks/01a1fda3-8ecb-7e32-bbab-5d3baba36f01/retry queues it again';

/** The codes of the reasons, in order. */
export const codesOf = ({ reasons }: Explanation): string[] => reasons.map(({ code }) => code);

/** The explanation of such a task. */
export function explained(given: Given = {}): Explanation {
  return explain(facts(given));
}
