import type { ErrorRecord } from '../../core/errors.ts';
import type { Returned } from '../../store/attempts/outcomes.ts';
import type { Submission } from '../../store/submit/submit.ts';
import { AttemptAborted, abortRecord } from './attempt.ts';

/** How an attempt ended if its handler did not throw. */
export type Ending = Returned | { kind: 'interrupted'; error: ErrorRecord; againInMs: number };

/** The return value of a step or workflow handler that is not a result. */
export class Continuation {
  /** A private field: no other object can have it, not even a proxy that has every property. */
  readonly #ending: Ending;

  constructor(ending: Ending) {
    this.#ending = ending;
  }

  /**
   * The ending that a handler asked for, or null if it returned a result. Runs no code of `given`.
   */
  static endingOf(given: unknown): Ending | null {
    return typeof given === 'object' && given !== null && #ending in given ? given.#ending : null;
  }
}

/** The condition of the step did not hold: the step counts as done, without a result. */
export function skip(): Continuation {
  return new Continuation({ kind: 'succeeded', result: null, skipped: true });
}

/** The task continues when these children have ended. */
export function waitForChildren(children: Submission[]): Continuation {
  return new Continuation({ kind: 'continued', children });
}

/**
 * The task continues with another attempt after `againInMs`. That costs no attempt of its budget,
 * and the task takes no slot meanwhile.
 */
export function putOff(why: string, againInMs: number): Continuation {
  const error = abortRecord(new AttemptAborted('interrupted', why));
  return new Continuation({ kind: 'interrupted', error, againInMs });
}

/** The task continues when this step, which waits for it, has ended. */
export function waitForStep(step: string): Continuation {
  return new Continuation({ kind: 'continued', release: step });
}
