import type { Logger } from 'pino';
import { PermanentError } from '../core/errors.ts';
import { isPlainlyStorable, storageProblems } from '../core/json.ts';
import { parsePayload } from '../core/payload.ts';
import { backoffMs } from '../core/retry.ts';
import { parseWith } from '../core/schema.ts';
import type { Handler, TaskDefinition } from '../core/task.ts';
import { traceAttempt } from '../process/tracing.ts';
import type { Outcome } from '../store/outcomes.ts';
import { type AttemptAborted, type AttemptUnderWay, abortRecord } from './attempt.ts';
import { askedDelayMs, toErrorRecord } from './classify.ts';
import { type OpenContext, openContext } from './context.ts';
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
    outcomeOfWork(executable, attempt, openContext(attempt, traceparent, logs.task), logs.runner),
  );
}

async function outcomeOfWork(
  { definition, handler }: Executable,
  attempt: AttemptUnderWay,
  { context, followUps }: OpenContext,
  log: () => Logger,
): Promise<Outcome> {
  const work = async (): Promise<Ending> => {
    const payload = await fitPayload(definition, attempt.due.payload);
    const given = await handler(payload, context);
    const continuation = asContinuation(given);
    if (continuation !== null) return continuation;
    const result = await checkResult(definition, given);
    const submitted = followUps();
    return submitted === null
      ? { kind: 'succeeded', result }
      : { kind: 'succeeded', result, followUps: await submitted };
  };
  try {
    const ending = await attempt.unlessAbandoned(work());
    return { ...outcomeOf(attempt), ...ending };
  } catch (thrown) {
    return attempt.aborted === null
      ? failure(definition, attempt, thrown, log())
      : cutOff(definition, attempt, attempt.aborted.reason, log());
  }
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

async function fitPayload(definition: TaskDefinition, payload: unknown): Promise<unknown> {
  const parsed = await parsePayload(definition, payload, '/payload');
  if (parsed.ok) return parsed.value;
  throw new PermanentError(`The payload does not fit ${definition.name} ${definition.version}`, {
    code: 'VALIDATION_FAILED',
    metadata: { details: parsed.details },
  });
}

/**
 * The result as JSON text that the ledger can hold, or null. A result that it can't hold will not fit the next time
 * either.
 */
async function checkResult(definition: TaskDefinition, result: unknown): Promise<string | null> {
  let value = result;
  if (definition.result !== undefined) {
    const parsed = await parseWith(definition.result, result, '/result');
    if (!parsed.ok)
      throw invalidResult(`The result does not fit the schema of ${definition.name}`, parsed.details);
    value = parsed.value;
  }
  if (value === undefined || value === null) return null;
  const text = toJson(value);
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
