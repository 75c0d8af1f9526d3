import type { Logger } from 'pino';
import { PermanentError } from '../../core/errors.ts';
import { readOr } from '../../core/json/read_or.ts';
import { textOf } from '../../core/json/thrown.ts';
import type { TaskContext } from '../../core/task.ts';
import type { DueAttempt } from '../../store/attempts/load.ts';
import type { Submission } from '../../store/submit/submit.ts';
import type { AttemptUnderWay } from './attempt.ts';
import { toFollowUp } from './follow_up.ts';

const MAX_NOTE_LENGTH = 1_000;
/**
 * For one attempt. To submit more, map them in a workflow step, or submit a task that submits the
 * rest.
 */
const MAX_FOLLOW_UPS = 1_000;

/** The context that the handlers of steps and workflows get. */
export type AttemptContext = TaskContext & {
  /** The results of earlier steps by their names. */
  readonly results: Record<string, unknown>;
  readonly due: DueAttempt;
  readonly underWay: AttemptUnderWay;
};

/**
 * The context of an attempt (specification T8). Its getters are on the prototype: see
 * AttemptUnderWay. Functions that a handler may take out of it and call alone are own properties.
 */
export class HandlerContext implements AttemptContext {
  readonly id: string;
  readonly attempt: number;
  readonly traceparent: string | null;
  readonly scheduledFor: Date | null;
  readonly results: Record<string, unknown>;
  readonly due: DueAttempt;
  readonly underWay: AttemptUnderWay;
  readonly #openLog: () => Logger;
  #submitted: Promise<Submission>[] | null = null;

  constructor(underWay: AttemptUnderWay, traceparent: string | null, openLog: () => Logger) {
    const { due } = underWay;
    this.id = due.id;
    this.attempt = due.attempt;
    this.traceparent = traceparent;
    this.scheduledFor = due.scheduledFor === null ? null : new Date(due.scheduledFor);
    this.results = due.results ?? {};
    this.due = due;
    this.underWay = underWay;
    this.#openLog = openLog;
  }

  get signal(): AbortSignal {
    return this.underWay.signal;
  }

  get log(): Logger {
    return this.#openLog();
  }

  readonly progress = (fraction: number, note?: string): void => {
    // Accepts any value: a note that cannot be shown is no reason to fail.
    const given = Math.min(Math.max(readOr(() => Number(fraction), 0) || 0, 0), 1);
    // Rounded, because a `real` cannot store very small numbers.
    this.underWay.unwritten.progress = {
      fraction: Math.round(given * 1e6) / 1e6,
      note: textOf(() => note, MAX_NOTE_LENGTH),
    };
  };

  readonly submit: TaskContext['submit'] = (definition, payload, options) => {
    this.#submitted ??= [];
    const index = this.#submitted.length;
    const submission =
      index < MAX_FOLLOW_UPS
        ? toFollowUp(definition, payload, { ...this.due, traceparent: this.traceparent }, index, options)
        : Promise.reject(tooManyFollowUps());
    this.#submitted.push(submission);
    const submitted = submission.then(() => {});
    // A handler need not await it: a rejected submission fails the attempt at its end in any case.
    submitted.catch(() => {});
    return submitted;
  };

  /** The submissions so far, or null if there are none. Rejects if one was not accepted. */
  followUps(): Promise<Submission[]> | null {
    return this.#submitted === null ? null : Promise.all(this.#submitted);
  }
}

function tooManyFollowUps(): PermanentError {
  return new PermanentError(`An attempt can submit at most ${MAX_FOLLOW_UPS} tasks`, {
    code: 'TOO_MANY_FOLLOW_UPS',
  });
}
