import type { Logger } from 'pino';
import { PermanentError } from '../core/errors.ts';
import { sanitizeText } from '../core/json.ts';
import type { TaskContext } from '../core/task.ts';
import type { DueAttempt } from '../store/begin.ts';
import type { Submission } from '../store/submit.ts';
import type { AttemptUnderWay } from './attempt.ts';
import { toFollowUp } from './follow_up.ts';

const MAX_NOTE_LENGTH = 1_000;
/** Of one attempt: a list of more is a task of its own, or a step that maps. */
const MAX_FOLLOW_UPS = 1_000;

/** What the handlers of steps and workflows get besides. */
export type AttemptContext = TaskContext & {
  /** Of the steps before, by their names. */
  readonly results: Record<string, unknown>;
  readonly due: DueAttempt;
};

/**
 * The context of an attempt (specification T8). Its getters are its prototype's: see AttemptUnderWay. What handlers may
 * take out of it and call by itself is its own.
 */
export class HandlerContext implements AttemptContext {
  readonly id: string;
  readonly attempt: number;
  readonly traceparent: string | null;
  readonly results: Record<string, unknown>;
  readonly due: DueAttempt;
  readonly #underWay: AttemptUnderWay;
  readonly #openLog: () => Logger;
  #submitted: Promise<Submission>[] | null = null;

  constructor(underWay: AttemptUnderWay, traceparent: string | null, openLog: () => Logger) {
    const { due } = underWay;
    this.id = due.id;
    this.attempt = due.attempt;
    this.traceparent = traceparent;
    this.results = due.results ?? {};
    this.due = due;
    this.#underWay = underWay;
    this.#openLog = openLog;
  }

  get signal(): AbortSignal {
    return this.#underWay.signal;
  }

  get log(): Logger {
    return this.#openLog();
  }

  readonly progress = (fraction: number, note?: string): void => {
    const bounded = Math.min(Math.max(Number(fraction) || 0, 0), 1);
    const text = note === undefined ? null : sanitizeText(shortened(note));
    this.#underWay.unwritten.progress = { fraction: bounded, note: text };
  };

  readonly submit: TaskContext['submit'] = (definition, payload, options) => {
    this.#submitted ??= [];
    const index = this.#submitted.length;
    const submission =
      index < MAX_FOLLOW_UPS
        ? toFollowUp(definition, payload, { ...this.due, traceparent: this.traceparent }, index, options)
        : Promise.reject(tooManyFollowUps());
    this.#submitted.push(submission);
    const heard = submission.then(() => {});
    // A handler need not await it: what is refused fails the attempt at its end all the same.
    heard.catch(() => {});
    return heard;
  };

  /** What was submitted by now, or null when that is nothing. Rejects when something was refused. */
  followUps(): Promise<Submission[]> | null {
    return this.#submitted === null ? null : Promise.all(this.#submitted);
  }
}

function shortened(note: string): string {
  return note.length <= MAX_NOTE_LENGTH ? note : `${note.slice(0, MAX_NOTE_LENGTH)}…`;
}

function tooManyFollowUps(): PermanentError {
  return new PermanentError(`An attempt can submit ${MAX_FOLLOW_UPS} tasks at most`, {
    code: 'TOO_MANY_FOLLOW_UPS',
  });
}
