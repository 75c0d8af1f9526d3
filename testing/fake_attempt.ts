import { pino } from 'pino';
import { type Detail, PermanentError } from '../core/errors.ts';
import { losslessJson } from '../core/json/lossless.ts';
import type { TaskDefinition } from '../core/task.ts';
import { taskIdAt } from '../core/task_id.ts';
import { AttemptAborted, AttemptUnderWay, currentAttempt, type Seat } from '../runner/execute/attempt.ts';
import { HandlerContext } from '../runner/execute/context.ts';
import type { Ending } from '../runner/execute/continuation.ts';
import { type RegisteredHandler, work } from '../runner/execute/execute.ts';
import { createTaskLog } from '../runner/execute/task_log.ts';
import type { Submission } from '../store/submit/submit.ts';
import type { AttemptOptions, Collected, CollectedTask } from './collected.ts';

export type FakeAttempt = Collected & { ending: Ending };

/**
 * Runs a handler as a runner does, without a database. Throws what the handler throws, PermanentError if the
 * payload, the result or a submitted task does not fit, and an abort if the attempt was cancelled. It leaves its
 * seat in a batch at its end.
 */
export async function attemptOnce(
  registered: RegisteredHandler,
  payload: unknown,
  options: AttemptOptions,
  results: Record<string, unknown> = {},
  seat: Seat | null = null,
): Promise<FakeAttempt> {
  const attempt = makeAttempt(registered.definition, payload, options, results);
  attempt.seat = seat;
  const progress = collectProgress(attempt);
  const log = createTaskLog(pino({ level: 'silent', base: null }), { write: () => {} });
  const context = new HandlerContext(attempt, options.traceparent ?? null, () =>
    log.open({}, () => attempt.unwritten),
  );
  const cancel = (): void => attempt.abort(new AttemptAborted('cancelled', 'The task was cancelled'));
  if (options.signal?.aborted) cancel();
  options.signal?.addEventListener('abort', cancel);
  try {
    const working = currentAttempt.run(attempt, work, registered, context);
    const ending = await attempt.unlessAbandoned(working);
    if (attempt.aborted !== null) throw attempt.aborted.reason;
    const submissions = ending.kind === 'succeeded' ? (ending.followUps ?? []) : [];
    const lines = attempt.unwritten.lines.map(({ level, message, fields }) => ({ level, message, fields }));
    return { ending, log: lines, progress, submitted: submissions.map(collected) };
  } finally {
    seat?.leave();
    options.signal?.removeEventListener('abort', cancel);
  }
}

function makeAttempt(
  definition: TaskDefinition,
  payload: unknown,
  options: AttemptOptions,
  results: Record<string, unknown>,
): AttemptUnderWay {
  const { id = taskIdAt(Date.now()), attempt = 1, version = definition.version } = options;
  return new AttemptUnderWay(
    {
      ...{ id, attempt, version, name: definition.name, dispatchId: id },
      ...{ maxAttempts: definition.policy.maxAttempts, priority: definition.policy.priority, waitedMs: 0 },
      payload: jsonOf(payload, '/payload', `The payload of ${definition.name}`),
      results: jsonOf(results, '/results', 'The results of the steps before') as Record<string, unknown>,
      ...{ crashes: 0, isSuspect: false, paused: false, hasChildren: false, parentId: null },
      scheduledFor: options.scheduledFor?.toISOString() ?? null,
      ...{ requestId: null, initiator: null, sourceSystem: null, traceparent: options.traceparent ?? null },
    },
    definition.policy.timeoutMs,
  );
}

/** A value as JSON gives it back. Throws PermanentError if JSON would lose a part of it. */
function jsonOf(value: unknown, path: string, what: string): unknown {
  const json = losslessJson(value, path);
  if (json.ok) return json.value;
  throw new PermanentError(`${what} cannot be sent as JSON: ${inWords(json.details)}`, {
    code: 'VALIDATION_FAILED',
    metadata: { details: json.details },
  });
}

function inWords(details: readonly Detail[]): string {
  return details.map(({ path, message }) => `${path} ${message}`).join('; ');
}

/** The runner keeps only the last report of each write. */
function collectProgress(attempt: AttemptUnderWay): Collected['progress'] {
  const all: Collected['progress'] = [];
  Object.defineProperty(attempt.unwritten, 'progress', {
    get: () => all.at(-1) ?? null,
    set: (report: Collected['progress'][number]) => all.push(report),
  });
  return all;
}

/** The part of a submission that its author has chosen. */
export function collected(submission: Submission): CollectedTask {
  const { name, payload, priority, maxAttempts, delayMs = null, tags = [], reason = null } = submission;
  return { name, payload, priority, maxAttempts, delayMs, dedupKey: submission.dedup.key, tags, reason };
}
