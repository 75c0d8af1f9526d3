import type { Submission } from '../store/submit.ts';

/** How an attempt ended whose handler threw nothing. */
export type Ending =
  /** The result is JSON text. */
  | { kind: 'succeeded'; result: string | null; skipped?: boolean; followUps?: Submission[] }
  | { kind: 'continued'; children: Submission[] }
  | { kind: 'continued'; release: string };

const CONTINUATION = Symbol('continuation');

/** What the handler of a step or a workflow gives when it is no result. Nothing that comes from JSON passes for one. */
export type Continuation = { readonly [CONTINUATION]: Ending };

/** The condition of the step did not hold: it counts as done, without a result. */
export function skip(): Continuation {
  return { [CONTINUATION]: { kind: 'succeeded', result: null, skipped: true } };
}

/** The task goes on when these have ended. */
export function waitForChildren(children: Submission[]): Continuation {
  return { [CONTINUATION]: { kind: 'continued', children } };
}

/** The task goes on when a step of it that waits for this has ended. */
export function waitForStep(step: string): Continuation {
  return { [CONTINUATION]: { kind: 'continued', release: step } };
}

/** The ending that a handler asked for, or null when what it gave is its result. */
export function asContinuation(given: unknown): Ending | null {
  return typeof given === 'object' && given !== null && CONTINUATION in given
    ? (given as Continuation)[CONTINUATION]
    : null;
}
