import type { SubmittedTask } from '../records.ts';
import type { CallOptions } from '../requests/options.ts';
import type { Transport } from '../requests/transport.ts';
import { submittedTask } from '../submitted_task.ts';
import { type DedupOptions, type DedupPlan, planDedup } from './dedup.ts';

/** Options that override the definition. Missing options keep its values. */
export type TaskOptions = {
  /** Refuses the submission unless the definition has this version. */
  version?: string | undefined;
  /** Smaller runs first. */
  priority?: number | undefined;
  /** The task does not start before this time. */
  runAt?: Date | string | undefined;
  /** The task does not start before this delay is over. */
  delaySeconds?: number | undefined;
  /** A task that has not started this long after its due time ends as `expired`. */
  expiresInSeconds?: number | undefined;
  /** The key of the limits of the definition, in place of the one that they compute. */
  concurrencyKey?: string | undefined;
  /** How long an attempt may take: an integer, a day at most. */
  timeoutSeconds?: number | undefined;
  /** Tags, as filters for lists. */
  tags?: readonly string[] | undefined;
  /** The person or system that asked for the task. */
  initiator?: string | undefined;
  /** The system that submitted the task. */
  sourceSystem?: string | undefined;
  /** The reason for the task. */
  reason?: string | undefined;
  maxAttempts?: number | undefined;
  /** A URL that receives the outcome of the task. */
  callbackUrl?: string | undefined;
  /** The trace that the task belongs to (W3C traceparent). */
  traceparent?: string | undefined;
};

export type SubmitOptions = TaskOptions & DedupOptions & CallOptions;

/**
 * Submits one task. Throws ValidationError, NotFoundError for an unknown name, and ConflictError for a key
 * that was used with another payload.
 */
export async function submit(
  { transport }: { transport: Transport },
  name: string,
  payload: unknown,
  options: SubmitOptions = {},
): Promise<SubmittedTask> {
  const plan = planDedup(options);
  const { body } = await transport.send({
    method: 'POST',
    path: submissionPath(name),
    body: JSON.stringify({ payload, ...toBody(options, plan) }),
    headers: toHeaders(options, plan.idempotencyKey),
    signal: options.signal,
    repeatable: true,
  });
  return submittedTask(body);
}

/** The path for submissions of a task name. */
export function submissionPath(name: string): string {
  return `/v1/tasks/${encodeURIComponent(name)}`;
}

/** The options of a submission in the names of the API. Undefined values do not appear in the JSON. */
export function toBody(options: TaskOptions & DedupOptions, plan: DedupPlan): Record<string, unknown> {
  const { runAt } = options;
  return {
    version: options.version,
    priority: options.priority,
    run_at: runAt instanceof Date ? runAt.toISOString() : runAt,
    delay_seconds: options.delaySeconds,
    expires_in_seconds: options.expiresInSeconds,
    concurrency_key: options.concurrencyKey,
    timeout_seconds: options.timeoutSeconds,
    tags: options.tags,
    initiator: options.initiator,
    source_system: options.sourceSystem,
    reason: options.reason,
    max_attempts: options.maxAttempts,
    callback_url: options.callbackUrl,
    dedup_window_seconds: options.dedupWindowSeconds,
    debounce_seconds: options.debounceSeconds,
    throttle_seconds: options.throttleSeconds,
    ...plan.body,
  };
}

/** The headers of a submission. */
export function toHeaders(
  { traceparent }: Pick<TaskOptions, 'traceparent'>,
  idempotencyKey: string | undefined,
): Record<string, string> {
  return {
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
  };
}
