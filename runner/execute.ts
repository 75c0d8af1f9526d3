import type { Logger } from 'pino';
import { PermanentError } from '../core/errors.ts';
import { isPlainlyStorable, storageProblems } from '../core/json.ts';
import { parsePayload } from '../core/payload.ts';
import { backoffMs } from '../core/retry.ts';
import { parseWith, type Schema } from '../core/schema.ts';
import type { Handler, TaskDefinition } from '../core/task.ts';
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
  const parsed = await parsePayload(definition, context.due.payload, '/payload');
  if (!parsed.ok) throw misfit(definition, parsed.details);
  const given = await handler(parsed.value, context);
  const continuation = asContinuation(given);
  if (continuation !== null) return continuation;
  const value =
    definition.result === undefined ? given : await fitResult(definition, definition.result, given);
  const result = value === undefined || value === null ? null : storable(value);
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

function misfit({ name, version }: TaskDefinition, details: unknown): PermanentError {
  return new PermanentError(`The payload does not fit ${name} ${version}`, {
    code: 'VALIDATION_FAILED',
    metadata: { details },
  });
}

async function fitResult({ name }: TaskDefinition, schema: Schema, result: unknown): Promise<unknown> {
  const parsed = await parseWith(schema, result, '/result');
  if (parsed.ok) return parsed.value;
  throw invalidResult(`The result does not fit the schema of ${name}`, parsed.details);
}

/** A result as JSON text that the ledger can hold. One that it can't hold will not fit the next time either. */
function storable(result: unknown): string {
  const text = toJson(result);
  if (text.length > MAX_RESULT_BYTES) {
    throw invalidResult(`The result has ${text.length} characters of JSON, more than ${MAX_RESULT_BYTES}`);
  }
  if (!isPlainlyStorable(text)) {
    const problems = storageProblems(JSON.parse(text), '/result');
    if (problems.length > 0) throw invalidResult('The result holds what Postgres can not', problems);
  }
  return text;
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    throw invalidResult(`The result is not JSON: ${String(error)}`);
  }
}

function invalidResult(message: string, details?: unknown): PermanentError {
  return new PermanentError(message, {
    code: 'INVALID_RESULT',
    ...(details ? { metadata: { details } } : {}),
  });
}
