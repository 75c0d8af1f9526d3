import type { Logger } from 'pino';
import { PermanentError } from '../core/errors.ts';
import { storageProblems } from '../core/json.ts';
import { backoffMs } from '../core/retry.ts';
import { parseWith } from '../core/schema.ts';
import type { Handler, TaskDefinition } from '../core/task.ts';
import type { DueAttempt } from '../store/begin.ts';
import type { Outcome } from '../store/outcomes.ts';
import { askedDelayMs, toErrorRecord } from './classify.ts';
import type { AttemptUnderWay } from './running.ts';

/** As much as a submission may be. */
const MAX_RESULT_BYTES = 10 * 1024 * 1024;

export type Executable = { definition: TaskDefinition; handler: Handler };

/**
 * Executes one attempt and gives its outcome; it never throws. Parse the payload, run the handler, check the
 * result, classify the error. An attempt that is aborted and does not return in time is left behind: the
 * outcome is then that of its abort, and what the handler does later is nobody's.
 */
export async function execute(
  { definition, handler }: Executable,
  attempt: DueAttempt,
  underWay: AttemptUnderWay,
  log: Logger,
): Promise<Outcome> {
  const begun = performance.now();
  const work = async (): Promise<unknown> => {
    const payload = await parsePayload(definition, attempt.payload);
    const result = await handler(payload, {
      id: attempt.id,
      attempt: attempt.attempt,
      signal: underWay.signal,
      log,
    });
    return checkResult(definition, result);
  };
  const of = (): Pick<Outcome, 'id' | 'name' | 'priority' | 'attempt' | 'durationMs'> => ({
    id: attempt.id,
    name: attempt.name,
    priority: attempt.priority,
    attempt: attempt.attempt,
    durationMs: performance.now() - begun,
  });
  try {
    const result = await Promise.race([work(), underWay.abandoned]);
    return { ...of(), kind: 'succeeded', result };
  } catch (thrown) {
    const error = toErrorRecord(thrown);
    if (underWay.signal.aborted) return { ...of(), kind: 'interrupted', error };
    const retryInMs = error.retryable ? delayMs(definition, attempt.attempt, thrown) : null;
    log.warn({ err: thrown, retry_in_ms: retryInMs }, 'attempt failed');
    return { ...of(), kind: 'failed', error, retryInMs };
  }
}

function delayMs(definition: TaskDefinition, attempt: number, thrown: unknown): number {
  return Math.max(backoffMs(definition.policy.backoff, attempt, Math.random()), askedDelayMs(thrown));
}

async function parsePayload(definition: TaskDefinition, payload: unknown): Promise<unknown> {
  const parsed = await parseWith(definition.payload, payload, '/payload');
  if (parsed.ok) return parsed.value;
  throw new PermanentError(`The payload does not fit ${definition.name} ${definition.version}`, {
    code: 'VALIDATION_FAILED',
    metadata: { details: parsed.details },
  });
}

/** The result as the ledger can hold it. A result that it can't hold will not fit the next time either. */
async function checkResult(definition: TaskDefinition, result: unknown): Promise<unknown> {
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
  const stored: unknown = JSON.parse(text);
  const problems = storageProblems(stored, '/result');
  if (problems.length > 0) throw invalidResult('The result holds what Postgres can not', problems);
  return stored;
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
