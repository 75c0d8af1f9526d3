/** Every state of a task; the last four are terminal. The vocabulary of the specification, section 2. */
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
] as const;

export type State = (typeof STATES)[number];

/** The only table of legal transitions. Statements in store/ take their source states from it. */
export const TRANSITIONS: Record<State, readonly State[]> = {
  scheduled: ['queued', 'running', 'succeeded', 'failed', 'retrying', 'cancelled', 'resolved'],
  // Succeeded without being run: a step that waited for a failure, when there was none.
  waiting: ['queued', 'scheduled', 'succeeded', 'cancelled', 'resolved'],
  // Queued again: interrupted before it was written as running.
  // Running again: a workflow that a step of it is done again for.
  queued: ['queued', 'running', 'succeeded', 'failed', 'retrying', 'cancelled', 'resolved'],
  // Running still: it waits for its children now. Queued: these have ended, or its runner is gone.
  running: ['running', 'queued', 'succeeded', 'failed', 'retrying', 'cancelled'],
  retrying: ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'retrying'],
  succeeded: [],
  // Running, waiting: with a workflow, or with what it is made of.
  failed: ['queued', 'scheduled', 'running', 'waiting', 'resolved'],
  cancelled: ['queued', 'scheduled', 'running', 'waiting'],
  resolved: [],
};

/** The states from which an attempt may begin: it is due, or will be. */
export const STARTABLE = ['scheduled', 'queued', 'retrying'] as const satisfies readonly State[];

/** The states in which an attempt may still get an outcome. A short attempt is never written as `running`. */
export const OPEN = [...STARTABLE, 'running'] as const satisfies readonly State[];

/** The states in which a task can be cancelled. */
export const CANCELLABLE = [...OPEN, 'waiting'] as const satisfies readonly State[];

/** The states in which an operator can say what a step came to: it failed, or has not started. */
export const RESOLVABLE = ['failed', 'waiting', 'scheduled', 'queued'] as const satisfies readonly State[];

/** The terminal states that a retry or a new submission of the same work re-arms. */
export const REARMABLE = ['failed', 'cancelled'] as const satisfies readonly State[];

/** The states of a whole in which no part of it is done again by itself: it has come to its end, and not by failing. */
export const CLOSED = ['succeeded', 'cancelled', 'resolved'] as const satisfies readonly State[];

/** Whether a task in this state is finished for good, until an operator acts. */
export function isTerminal(state: State): boolean {
  return state === 'succeeded' || state === 'failed' || state === 'cancelled' || state === 'resolved';
}

/** Whether the table allows a task to go from one state to another. */
export function canTransition(from: State, to: State): boolean {
  return TRANSITIONS[from].includes(to);
}

/** A state as the end of a sentence about its task: `is queued`, `has succeeded`, `was cancelled`. */
export function inWords(state: State): string {
  if (state === 'succeeded' || state === 'failed') return `has ${state}`;
  return state === 'cancelled' || state === 'resolved' ? `was ${state}` : `is ${state}`;
}
