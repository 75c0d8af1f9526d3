import type { Logger } from 'pino';
import { type Detail, PermanentError } from '../core/errors.ts';
import { losslessJson } from '../core/lossless.ts';
import { parseResult } from '../core/payload.ts';
import { backoffMs } from '../core/retry.ts';
import type { Handler, TaskDefinition } from '../core/task.ts';
import { parseTaskPayload, payloadInWords, type Versioned } from '../core/task_payload.ts';
import { traceAttempt } from '../process/tracing.ts';
import type { Outcome } from '../store/outcomes.ts';
import { type AttemptAborted, type AttemptUnderWay, abortRecord } from './attempt.ts';
import { askedDelayMs, toErrorRecord } from './classify.ts';
import { HandlerContext } from './context.ts';
import { asContinuation, type Ending } from './continuation.ts';

/** As much as a submission may be. */
const MAX_RESULT_BYTES = 10 * 1024 * 1024;

/** What a runner can execute. The handler of a step may also give a continuation. */
export type Executable = { definition: TaskDefinition; handler: Handler };

/** The loggers of an attempt: of its handler, and of the runner about it. Most attempts need neither. */
export type AttemptLogs = { task: () => Logger; runner: () => Logger };

/**
 * Executes one attempt and gives its outcome; it never throws. Parse the payload, run the handler, check the
 * result, classify the error. An attempt that is aborted and does not return in time is left behind: the
 * outcome is then that of its abort, and what the handler does later is nobody's.
 */
export function execute(
  executable: Executable,
  attempt: AttemptUnderWay,
  logs: AttemptLogs,
): Promise<Outcome> {
  return traceAttempt(attempt.due, (traceparent) =>
    outcomeOfWork(executable, attempt, new HandlerContext(attempt, traceparent, logs.task), logs.runner),
  );
}

async function outcomeOfWork(
  executable: Executable,
  attempt: AttemptUnderWay,
  context: HandlerContext,
  log: () => Logger,
): Promise<Outcome> {
  try {
    const ending = await attempt.unlessAbandoned(work(executable, context));
    // Not by spreading both, which takes longer than a short handler.
    return Object.assign(outcomeOf(attempt), ending);
  } catch (thrown) {
    return attempt.aborted === null
      ? failure(executable.definition, attempt, thrown, log())
      : cutOff(executable.definition, attempt, attempt.aborted.reason, log());
  }
}

async function work({ definition, handler }: Executable, context: HandlerContext): Promise<Ending> {
  const parsed = await parseTaskPayload(definition, context.due, '/payload');
  if (!parsed.ok) throw misfit(definition, context.due, parsed.details, parsed.thrown);
  const given = await handler(parsed.value, context);
  const continuation = asContinuation(given);
  if (continuation !== null) return continuation;
  const result = await resultText(definition, given);
  const submitted = context.followUps();
  return submitted === null
    ? { kind: 'succeeded', result }
    : { kind: 'succeeded', result, followUps: await submitted };
}

function outcomeOf(attempt: AttemptUnderWay): Omit<Outcome, 'kind'> {
  return {
    id: attempt.due.id,
    ranFor: attempt.due.ring,
    parentId: attempt.due.parentId,
    hasChildren: attempt.due.hasChildren,
    name: attempt.due.name,
    priority: attempt.due.priority,
    attempt: attempt.due.attempt,
    durationMs: performance.now() - attempt.begun,
    // Filled in when nothing is being written of the attempt any more.
    lines: [],
    progress: null,
  };
}

function failure(
  definition: TaskDefinition,
  attempt: AttemptUnderWay,
  thrown: unknown,
  log: Logger,
): Outcome {
  const error = toErrorRecord(thrown);
  const retryInMs = error.retryable ? delayMs(definition, attempt.due.attempt, thrown) : null;
  log.warn({ err: thrown, retry_in_ms: retryInMs }, 'attempt failed');
  return { ...outcomeOf(attempt), kind: 'failed', error, retryInMs };
}

function cutOff(
  definition: TaskDefinition,
  attempt: AttemptUnderWay,
  reason: AttemptAborted,
  log: Logger,
): Outcome {
  const error = abortRecord(reason);
  log.warn({ kind: reason.kind }, 'attempt ended early');
  if (reason.kind !== 'timed_out') return { ...outcomeOf(attempt), kind: reason.kind, error };
  return {
    ...outcomeOf(attempt),
    kind: 'timed_out',
    error,
    retryInMs: delayMs(definition, attempt.due.attempt, reason),
  };
}

function delayMs(definition: TaskDefinition, attempt: number, thrown: unknown): number {
  return Math.max(backoffMs(definition.policy.backoff, attempt, Math.random()), askedDelayMs(thrown));
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

/** What a handler gave, as its definition judges it. */
async function parsedResult(definition: TaskDefinition, given: unknown): Promise<unknown> {
  const parsed = await parseResult(definition, given, '/result');
  if (parsed.ok) return parsed.value;
  throw invalidResult(`The result does not fit the schema of ${definition.name}`, parsed.details);
}

/** As JSON text that the ledger can hold, or null when there is none. What it can't hold will not fit the next time either. */
async function resultText(definition: TaskDefinition, given: unknown): Promise<string | null> {
  const result = await parsedResult(definition, given);
  if (result === undefined || result === null) return null;
  const json = losslessJson(result, '/result');
  if (!json.ok) {
    throw invalidResult(`The result of ${definition.name} can not be recorded as it is`, json.details);
  }
  const text = JSON.stringify(json.value);
  if (text.length <= MAX_RESULT_BYTES) return text;
  throw invalidResult(`The result has ${text.length} characters of JSON, more than ${MAX_RESULT_BYTES}`);
}

function invalidResult(message: string, details?: readonly Detail[]): PermanentError {
  return new PermanentError(message, {
    code: 'INVALID_RESULT',
    ...(details ? { metadata: { details } } : {}),
  });
}
