import { toCamelCase } from './camel_case.ts';
import { type DedupOptions, type DedupPlan, planDedup } from './dedup.ts';
import type { CallOptions } from './options.ts';
import type { SubmittedTask } from './records.ts';
import type { Transport } from './transport.ts';

/** How a submission differs from what its definition says; what is not given is as there. */
export type TaskOptions = {
  /** Refuses the submission unless the definition has this version. */
  version?: string | undefined;
  /** Smaller runs first. */
  priority?: number | undefined;
  /** Not before this time. */
  runAt?: Date | string | undefined;
  /** Not before so long from now. */
  delaySeconds?: number | undefined;
  /** To find it by. */
  tags?: readonly string[] | undefined;
  /** Who asked for it. */
  initiator?: string | undefined;
  /** Which system submitted it. */
  sourceSystem?: string | undefined;
  /** Why. */
  reason?: string | undefined;
  maxAttempts?: number | undefined;
  /** Where the API tells how the task ended. */
  callbackUrl?: string | undefined;
  /** The trace that it belongs to (W3C traceparent). */
  traceparent?: string | undefined;
};

export type SubmitOptions = TaskOptions & DedupOptions & CallOptions;

/** Submits one task. Throws ValidationError, NotFoundError for an unknown name, ConflictError for a key that had another payload. */
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
  const { task, created, message } = body as { task: unknown; created: boolean; message: string };
  return { ...(toCamelCase(task) as SubmittedTask), created, message };
}

/** Where tasks of this name are submitted to. */
export function submissionPath(name: string): string {
  return `/v1/tasks/${encodeURIComponent(name)}`;
}

/** What a submission says beside its payload, as the wire has it. What is undefined does not get into the JSON. */
export function toBody(options: TaskOptions & DedupOptions, plan: DedupPlan): Record<string, unknown> {
  const { runAt } = options;
  return {
    version: options.version,
    priority: options.priority,
    run_at: runAt instanceof Date ? runAt.toISOString() : runAt,
    delay_seconds: options.delaySeconds,
    tags: options.tags,
    initiator: options.initiator,
    source_system: options.sourceSystem,
    reason: options.reason,
    max_attempts: options.maxAttempts,
    callback_url: options.callbackUrl,
    dedup_window_seconds: options.dedupWindowSeconds,
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
