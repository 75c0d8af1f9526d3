import { toCamelCase } from './camel_case.ts';
import { ErrandError } from './errors.ts';
import type { CallOptions } from './options.ts';
import { type ChangedTask, type Explanation, hasEnded, type TaskRecord } from './records.ts';
import type { Transport } from './transport.ts';

/** What an operation on a task takes. */
export type OperateOptions = CallOptions & {
  /** Why, for the audit trail. */
  reason?: string | undefined;
};

/** Where a task is. */
export function taskPath(id: string): string {
  return `/v1/tasks/${encodeURIComponent(id)}`;
}

/** Reads a task; with `waitSeconds` as soon as it has ended, but after that time at the latest. */
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

/** Asks why a task is not running, or what it is at, or how it ended. */
export async function explainTask(
  transport: Transport,
  id: string,
  { signal }: CallOptions = {},
): Promise<Explanation> {
  const { body } = await transport.send({ method: 'GET', path: `${taskPath(id)}/explain`, signal });
  return toCamelCase(body) as Explanation;
}

/**
 * Cancels a task. When the answer of the first attempt was lost, that of the second may be that it is cancelled
 * already: then it is done, and the task is given as it is.
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
 * Queues a failed or cancelled task again. When the answer of the first attempt was lost, the second one finds it
 * queued already, or further: then it is done. Should it have failed again by then, it is queued once more.
 */
export function retryTask(
  transport: Transport,
  id: string,
  options: OperateOptions = {},
): Promise<ChangedTask> {
  const isDone = ({ state }: TaskRecord): boolean => state === 'succeeded' || !hasEnded(state);
  return operate(transport, { method: 'PATCH', path: `${taskPath(id)}/retry` }, id, options, isDone);
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
    return { ...task, message: 'Done by a request whose answer was lost' };
  }
}
