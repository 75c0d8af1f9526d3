/** Every state of a task. The last five are final. Section 2 of the specification defines these words. */
export const STATES = [
  'scheduled',
  'waiting',
  'queued',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'resolved',
  'expired',
] as const;

export type State = (typeof STATES)[number];

/** The only table of allowed transitions. Statements in store/ take their source states from it. */
export const TRANSITIONS: Record<State, readonly State[]> = {
  // To scheduled: the attempt has postponed itself.
  // To expired: no attempt has started in time.
  scheduled: [
    'scheduled',
    'queued',
    'running',
    'succeeded',
    'failed',
    'retrying',
    'cancelled',
    'resolved',
    'expired',
  ],
  // To succeeded: a step for failures (`onFailure`) is skipped if nothing failed.
  waiting: ['queued', 'scheduled', 'succeeded', 'cancelled', 'resolved'],
  // To queued: the attempt was interrupted before it was recorded as running.
  // To running: a workflow, because one of its steps runs again.
  queued: [
    'queued',
    'scheduled',
    'running',
    'succeeded',
    'failed',
    'retrying',
    'cancelled',
    'resolved',
    'expired',
  ],
  // To running: it now waits for its children. To queued: these have ended, or its runner has died.
  running: ['running', 'queued', 'scheduled', 'succeeded', 'failed', 'retrying', 'cancelled'],
  retrying: ['queued', 'scheduled', 'running', 'succeeded', 'failed', 'cancelled', 'retrying'],
  succeeded: [],
  // To running or waiting: a workflow is retried, or a step with its workflow.
  failed: ['queued', 'scheduled', 'running', 'waiting', 'resolved'],
  cancelled: ['queued', 'scheduled', 'running', 'waiting'],
  resolved: [],
  expired: ['queued', 'scheduled'],
};

/** The states from which an attempt may start: it is due now or later. */
export const STARTABLE = ['scheduled', 'queued', 'retrying'] as const satisfies readonly State[];

/**
 * The states in which an attempt may still get an outcome. A short attempt is never recorded as `running`.
 */
export const OPEN = [...STARTABLE, 'running'] as const satisfies readonly State[];

/** The states in which a task can be cancelled. */
export const CANCELLABLE = [...OPEN, 'waiting'] as const satisfies readonly State[];

/** The states in which an operator can give the result of a step: it has failed or not started. */
export const RESOLVABLE = ['failed', 'waiting', 'scheduled', 'queued'] as const satisfies readonly State[];

/** The final states from which a retry or a duplicate submission queues a task again. */
export const REARMABLE = ['failed', 'cancelled', 'expired'] as const satisfies readonly State[];

/**
 * The final states of a workflow in which none of its parts runs again alone: it has ended, and not by
 * failing.
 */
export const CLOSED = ['succeeded', 'cancelled', 'resolved'] as const satisfies readonly State[];

/** The final states. */
export const FINAL = [
  'succeeded',
  'failed',
  'cancelled',
  'resolved',
  'expired',
] as const satisfies readonly State[];

/** Whether a task in this state has finished, unless an operator acts. */
export function isTerminal(state: State): boolean {
  return FINAL.some((final) => final === state);
}

/** Whether the table allows a task to go from one state to another. */
export function canTransition(from: State, to: State): boolean {
  return TRANSITIONS[from].includes(to);
}

/** A state as the end of a sentence about its task: `is queued`, `has succeeded`, `was cancelled`. */
export function inWords(state: State): string {
  if (state === 'succeeded' || state === 'failed' || state === 'expired') return `has ${state}`;
  return state === 'cancelled' || state === 'resolved' ? `was ${state}` : `is ${state}`;
}
