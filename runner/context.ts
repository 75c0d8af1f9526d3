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

/** The context of an attempt, and what it has submitted by the end of it, or null when that is nothing. */
export type OpenContext = { context: AttemptContext; followUps: () => Promise<Submission[]> | null };

/** Makes the context of an attempt (specification T8). */
export function openContext(
  attempt: AttemptUnderWay,
  traceparent: string | null,
  log: () => Logger,
): OpenContext {
  const { due } = attempt;
  const submitted: Promise<Submission>[] = [];
  const context: AttemptContext = {
    id: due.id,
    attempt: due.attempt,
    traceparent,
    get signal() {
      return attempt.signal;
    },
    get log() {
      return log();
    },
    results: due.results ?? {},
    due,
    progress(fraction, note) {
      const bounded = Math.min(Math.max(Number(fraction) || 0, 0), 1);
      const text = note === undefined ? null : sanitizeText(note.slice(0, MAX_NOTE_LENGTH));
      attempt.unwritten.progress = { fraction: bounded, note: text };
    },
    submit(definition, payload, options) {
      const submission =
        submitted.length < MAX_FOLLOW_UPS
          ? toFollowUp(definition, payload, { ...due, traceparent }, options)
          : Promise.reject(tooManyFollowUps());
      submitted.push(submission);
      const heard = submission.then(() => {});
      // A handler need not await it: what is refused fails the attempt at its end all the same.
      heard.catch(() => {});
      return heard;
    },
  };
  return { context, followUps: () => (submitted.length === 0 ? null : Promise.all(submitted)) };
}

function tooManyFollowUps(): PermanentError {
  return new PermanentError(`An attempt can submit ${MAX_FOLLOW_UPS} tasks at most`, {
    code: 'TOO_MANY_FOLLOW_UPS',
  });
}
