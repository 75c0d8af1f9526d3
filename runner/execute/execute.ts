import type { Logger } from 'pino';
import { backoffMs } from '../../core/definitions/policy.ts';
import { type Detail, type ErrorRecord, PermanentError } from '../../core/errors.ts';
import { MAX_JSON_BYTES } from '../../core/json/json_text.ts';
import { losslessJson } from '../../core/json/lossless.ts';
import { readOr } from '../../core/json/read_or.ts';
import { parseResult, parseTaskPayload, payloadInWords, type Versioned } from '../../core/payload.ts';
import type { Parsed } from '../../core/schema.ts';
import type { Handler, TaskDefinition } from '../../core/task.ts';
import { isTracing, traceAttempt } from '../../process/tracing.ts';
import type { ParentEnd } from '../../store/attempts/hand_off.ts';
import type { Outcome } from '../../store/attempts/outcomes.ts';
import { askedDelayMs, rateLimitedMs, toErrorRecord } from '../record/classify.ts';
import {
  type AttemptAborted,
  type AttemptUnderWay,
  abortRecord,
  type CallMany,
  currentAttempt,
} from './attempt.ts';
import { HandlerContext } from './context.ts';
import { Continuation, type Ending } from './continuation.ts';
import { requireTogether } from './follow_up.ts';

/** Recorded if the classification of an error itself fails. No known error causes that. */
const UNREADABLE_ERROR: ErrorRecord = {
  error_type: 'Error',
  message: 'The error that the handler threw could not be read',
  error_code: null,
  retryable: true,
  metadata: null,
  stack: null,
};

/** From this attempt on RateLimited is a failure, so that a task that is always refused ends at last. */
const MAX_RATE_LIMITED = 1_000;

/**
 * A definition with its handler. The handler of a step may also return a continuation. That of a batch brings
 * its attempt into the batch, for which `callMany` is called.
 */
export type RegisteredHandler = {
  definition: TaskDefinition;
  handler: Handler;
  callMany?: CallMany;
  /** The names of the tasks that may become due when a task of this name has ended. */
  successors?: readonly string[];
  /** For the last step of a workflow: how the workflow ends by this result, if it needs no separate attempt for that. */
  endParent?: (result: string | null) => Promise<{ endsParent: ParentEnd } | null>;
};

/**
 * The loggers of an attempt: for its handler, and for the runner's own lines. Most attempts need
 * neither.
 */
export type AttemptLogs = { task: () => Logger; runner: () => Logger };

/**
 * Executes one attempt and gives its outcome; it never throws. It parses the payload, runs the
 * handler, checks the result and classifies the error. If an attempt is aborted and does not return
 * in time, it is abandoned: its outcome is the abort, and what the handler does later is ignored.
 */
export function execute(
  registeredHandler: RegisteredHandler,
  attempt: AttemptUnderWay,
  logs: AttemptLogs,
): Promise<Outcome> {
  const outcomeWithin = (traceparent: string | null): Promise<Outcome> =>
    outcomeOfWork(
      registeredHandler,
      attempt,
      new HandlerContext(attempt, traceparent, logs.task),
      logs.runner,
    );
  // Short attempts would be noticeably slower with one or two more promises. If the tracing
  // provider throws, the traced path handles it.
  return readOr(isTracing, true)
    ? executeTraced(registeredHandler, attempt, logs, outcomeWithin)
    : outcomeWithin(attempt.due.traceparent);
}

async function executeTraced(
  { definition }: RegisteredHandler,
  attempt: AttemptUnderWay,
  logs: AttemptLogs,
  outcomeWithin: (traceparent: string | null) => Promise<Outcome>,
): Promise<Outcome> {
  let outcome: Outcome | null = null;
  try {
    return await traceAttempt(attempt.due, async (traceparent) => {
      outcome = await outcomeWithin(traceparent);
      return outcome;
    });
  } catch (thrown) {
    // The user's tracing failed. Without an outcome the attempt would be repeated forever.
    return outcome ?? failure(definition, attempt, thrown, logs.runner);
  }
}

async function outcomeOfWork(
  registeredHandler: RegisteredHandler,
  attempt: AttemptUnderWay,
  context: HandlerContext,
  log: () => Logger,
): Promise<Outcome> {
  try {
    const ending = await attempt.unlessAbandoned(
      currentAttempt.run(attempt, work, registeredHandler, context),
    );
    // Spreading both objects takes longer than a short handler.
    return Object.assign(outcomeOf(attempt), ending);
  } catch (thrown) {
    return attempt.aborted === null
      ? failure(registeredHandler.definition, attempt, thrown, log)
      : cutOff(registeredHandler.definition, attempt, attempt.aborted.reason, log);
  }
}

/**
 * Parses the payload, runs the handler and checks its result. Throws what the handler throws, and a
 * PermanentError if the payload, the result or a follow-up does not fit.
 */
export async function work(
  { definition, handler, endParent }: RegisteredHandler,
  context: HandlerContext,
): Promise<Ending> {
  const verdict = parseTaskPayload(definition, context.due, '/payload');
  // An `await` without a promise takes as long as a short handler.
  const parsed = verdict instanceof Promise ? await verdict : verdict;
  if (!parsed.ok) throw misfit(definition, context.due, parsed.details, parsed.thrown);
  const given = await handler(parsed.value, context);
  const continuation = Continuation.endingOf(given);
  if (continuation !== null) return continuation;
  const fitting = parseResult(definition, given, '/result');
  const result = resultText(definition, fitting instanceof Promise ? await fitting : fitting);
  const submitted = context.followUps();
  const ending: Ending =
    submitted === null
      ? { kind: 'succeeded', result }
      : { kind: 'succeeded', result, followUps: requireTogether(await submitted) };
  return endParent === undefined ? ending : Object.assign(ending, await endParent(result));
}

function outcomeOf(attempt: AttemptUnderWay): Omit<Outcome, 'kind'> {
  return {
    id: attempt.due.id,
    dispatchId: attempt.due.dispatchId,
    parentId: attempt.due.parentId,
    hasChildren: attempt.due.hasChildren,
    name: attempt.due.name,
    priority: attempt.due.priority,
    attempt: attempt.due.attempt,
    durationMs: performance.now() - attempt.startedAt,
    ...(attempt.due.hasSlots === true ? { hasSlots: true, slots: attempt.due.slots } : {}),
    // Filled in when no report of the attempt is being written any more.
    lines: [],
    progress: null,
  };
}

function failure(
  definition: TaskDefinition,
  attempt: AttemptUnderWay,
  thrown: unknown,
  log: () => Logger,
): Outcome {
  const error = readOr(() => toErrorRecord(thrown), UNREADABLE_ERROR);
  const againInMs = attempt.due.attempt < MAX_RATE_LIMITED ? readOr(() => rateLimitedMs(thrown), null) : null;
  if (againInMs !== null) {
    tryLog(() => log().info({ err: thrown, again_in_ms: againInMs }, 'attempt was limited from outside'));
    return { ...outcomeOf(attempt), kind: 'interrupted', error, againInMs, holdsKey: true };
  }
  const retryInMs = error.retryable ? delayMs(definition, attempt.due.attempt, thrown) : null;
  tryLog(() => log().warn({ err: thrown, retry_in_ms: retryInMs }, 'attempt failed'));
  return { ...outcomeOf(attempt), kind: 'failed', error, retryInMs };
}

function cutOff(
  definition: TaskDefinition,
  attempt: AttemptUnderWay,
  reason: AttemptAborted,
  log: () => Logger,
): Outcome {
  const error = abortRecord(reason);
  tryLog(() => log().warn({ kind: reason.kind }, 'attempt ended early'));
  if (reason.kind !== 'timed_out') return { ...outcomeOf(attempt), kind: reason.kind, error };
  return {
    ...outcomeOf(attempt),
    kind: 'timed_out',
    error,
    retryInMs: delayMs(definition, attempt.due.attempt, reason),
  };
}

/** Logs if possible: a failing logger must not lose an outcome. */
function tryLog(log: () => void): void {
  readOr(log, undefined);
}

function delayMs(definition: TaskDefinition, attempt: number, thrown: unknown): number {
  const asked = readOr(() => askedDelayMs(thrown), 0);
  return Math.max(backoffMs(definition.policy.backoff, attempt, Math.random()), asked);
}

function misfit(
  definition: TaskDefinition,
  task: Versioned,
  details: readonly Detail[],
  cause: unknown,
): PermanentError {
  return new PermanentError(payloadInWords(definition, task), {
    code: 'VALIDATION_FAILED',
    metadata: { details },
    ...(cause === undefined ? {} : { cause }),
  });
}

/**
 * The result of a handler, as its definition parsed it, as JSON text, or null if there is none.
 * Throws PermanentError if the ledger cannot hold the result: another attempt would not help.
 */
export function resultText(definition: TaskDefinition, judged: Parsed): string | null {
  if (!judged.ok)
    throw invalidResult(`The result does not fit the schema of ${definition.name}`, judged.details);
  const result = judged.value;
  if (result === undefined || result === null) return null;
  const json = losslessJson(result, '/result');
  if (!json.ok) {
    throw invalidResult(`The result of ${definition.name} cannot be recorded as JSON`, json.details);
  }
  const text = JSON.stringify(json.value);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_JSON_BYTES) return text;
  throw invalidResult(`The result has ${bytes} bytes of JSON, more than ${MAX_JSON_BYTES}`);
}

function invalidResult(message: string, details?: readonly Detail[]): PermanentError {
  return new PermanentError(message, {
    code: 'INVALID_RESULT',
    ...(details ? { metadata: { details } } : {}),
  });
}
