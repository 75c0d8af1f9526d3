import { toCamelCase } from './camel_case.ts';
import { ErrandError } from './errors.ts';
import {
  type ChangedTask,
  type Explanation,
  hasEnded,
  type SubmittedTask,
  type TaskRecord,
} from './records.ts';
import type { CallOptions } from './requests/options.ts';
import type { Transport } from './requests/transport.ts';
import { submittedTask } from './submitted_task.ts';

/** The options of an operation on a task. */
export type OperateOptions = CallOptions & {
  /** The reason, for the audit trail. */
  reason?: string | undefined;
};

/** The path of a task. */
export function taskPath(id: string): string {
  return `/v1/tasks/${encodeURIComponent(id)}`;
}

/**
 * Reads a task. With `waitSeconds`, the answer comes when the task has ended, or after that time at the
 * latest.
 */
export async function getTask(
  transport: Transport,
  id: string,
  { signal, waitSeconds }: CallOptions & { waitSeconds?: number } = {},
): Promise<TaskRecord> {
  const { body } = await transport.send({
    method: 'GET',
    path: taskPath(id),
    query: { wait: waitSeconds },
    signal,
    extraMs: (waitSeconds ?? 0) * 1_000,
    keepsTrying: waitSeconds !== undefined,
  });
  return toCamelCase(body) as TaskRecord;
}

/** Explains why a task is not running, what it is doing, or how it ended. */
export async function explainTask(
  transport: Transport,
  id: string,
  { signal }: CallOptions = {},
): Promise<Explanation> {
  const { body } = await transport.send({ method: 'GET', path: `${taskPath(id)}/explain`, signal });
  return toCamelCase(body) as Explanation;
}

/**
 * Cancels a task. If the answer to the first attempt was lost, the second attempt may fail because the task
 * is already cancelled. This counts as success, and the task is given as it is.
 */
export function cancelTask(
  transport: Transport,
  id: string,
  options: OperateOptions = {},
): Promise<ChangedTask> {
  const isDone = ({ state, cancelRequestedAt }: TaskRecord): boolean =>
    state === 'cancelled' || (cancelRequestedAt !== null && !hasEnded(state));
  return operate(transport, { method: 'DELETE', path: taskPath(id) }, id, options, isDone);
}

/**
 * Queues a failed or cancelled task again. If the answer to the first attempt was lost, the second attempt
 * may find the task queued, running or succeeded. This counts as success. If the task has failed again
 * meanwhile, it is queued once more.
 */
export function retryTask(
  transport: Transport,
  id: string,
  options: OperateOptions = {},
): Promise<ChangedTask> {
  const isDone = ({ state }: TaskRecord): boolean => state === 'succeeded' || !hasEnded(state);
  return operate(transport, { method: 'PATCH', path: `${taskPath(id)}/retry` }, id, options, isDone);
}

/** Dismisses a failed task: it needs nobody any more. A task that was dismissed before stays as it is. */
export async function dismissTask(
  transport: Transport,
  id: string,
  { signal, reason }: CallOptions & { reason: string },
): Promise<ChangedTask> {
  const { body } = await transport.send({
    method: 'POST',
    path: `${taskPath(id)}/dismiss`,
    body: JSON.stringify({ reason }),
    signal,
    repeatable: true,
  });
  const { task, message } = body as { task: unknown; message: string };
  return { ...(toCamelCase(task) as ChangedTask), message };
}

/** The options of a resubmission. */
export type ResubmitOptions = CallOptions & {
  /** The reason, for the audit trail. */
  reason: string;
  /** The payload of the new task. Without it the stored payload is submitted again. */
  payload?: Record<string, unknown> | undefined;
  /** The version of the payload. */
  version?: string | undefined;
  /** Makes the call safe to repeat by another process. By default only this call's repetitions are the same. */
  idempotencyKey?: string | undefined;
};

/** Replaces a failed or cancelled task by a new one, and dismisses its failure. */
export async function resubmitTask(
  transport: Transport,
  id: string,
  { signal, idempotencyKey = crypto.randomUUID(), reason, payload, version }: ResubmitOptions,
): Promise<SubmittedTask> {
  const { body } = await transport.send({
    method: 'POST',
    path: `${taskPath(id)}/resubmit`,
    headers: { 'idempotency-key': idempotencyKey },
    body: JSON.stringify({ reason, payload, version }),
    signal,
    repeatable: true,
  });
  return submittedTask(body);
}

async function operate(
  transport: Transport,
  operation: { method: 'DELETE' | 'PATCH'; path: string },
  id: string,
  { signal, reason }: OperateOptions,
  isDone: (task: TaskRecord) => boolean,
): Promise<ChangedTask> {
  let attempts = 0;
  const request = {
    ...operation,
    query: { reason },
    signal,
    repeatable: true,
    onAttempt: () => {
      attempts++;
    },
  };
  try {
    const { body } = await transport.send(request);
    const { task, message } = body as { task: unknown; message: string };
    return { ...(toCamelCase(task) as ChangedTask), message };
  } catch (error) {
    if (!(error instanceof ErrandError) || error.status !== 400 || attempts === 1) throw error;
    const task = await getTask(transport, id, { signal });
    if (!isDone(task)) throw error;
    return { ...task, message: 'An earlier request did this, but its answer was lost' };
  }
}
