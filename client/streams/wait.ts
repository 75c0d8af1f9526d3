import { TaskFailedError, TimeoutError } from '../errors.ts';
import { type FinishedTask, hasEnded, type TaskEvent, type TaskRecord } from '../records.ts';
import { startDeadline } from '../requests/deadline.ts';
import type { CallOptions } from '../requests/options.ts';
import type { Transport } from '../requests/transport.ts';
import { getTask, taskPath } from '../tasks.ts';
import { type Follow, StreamUnavailable } from './event_stream.ts';

export type WaitOptions = CallOptions & {
  /**
   * The time after which a TimeoutError is thrown, in milliseconds. Without it, there is no limit. The task
   * itself continues.
   */
  timeoutMs?: number | undefined;
};

type ClientParts = { transport: Transport; follow: Follow };

/** Most tasks have ended by then, so one request is enough. */
const FIRST_WAIT_SECONDS = 1;
const WAIT_SECONDS = 20;

/**
 * Waits until a task has a result, and gives its record. Throws TaskFailedError if it failed,
 * expired or was cancelled. Continues after a broken connection, or if the API is down for a while.
 */
export async function waitForTask(
  { transport, follow }: ClientParts,
  id: string,
  { signal, timeoutMs }: WaitOptions = {},
): Promise<FinishedTask> {
  let seen = 'unknown';
  const deadline = startDeadline(
    timeoutMs,
    [signal],
    () =>
      new TimeoutError(`Task ${id} had not ended after ${timeoutMs} ms: its state was ${seen}`, {
        code: 'WAIT_TIMEOUT',
      }),
  );
  try {
    let record = await getTask(transport, id, { signal: deadline.signal, waitSeconds: FIRST_WAIT_SECONDS });
    while (!hasEnded(record.state)) {
      seen = record.state;
      record = await nextRecord({ transport, follow }, id, deadline.signal);
    }
    if (record.state !== 'succeeded' && record.state !== 'resolved') throw new TaskFailedError(record);
    return record as FinishedTask;
  } finally {
    deadline.end();
  }
}

/** The record after the task has ended or, without streams, after a while. */
async function nextRecord(
  { transport, follow }: ClientParts,
  id: string,
  signal: AbortSignal,
): Promise<TaskRecord> {
  try {
    for await (const { event, data } of follow({ path: `${taskPath(id)}/events`, signal })) {
      if (event === 'end' || (event === 'state' && hasEnded((data as TaskEvent).state))) break;
    }
    return await getTask(transport, id, { signal, waitSeconds: 0 });
  } catch (error) {
    if (!(error instanceof StreamUnavailable)) throw error;
    return await getTask(transport, id, { signal, waitSeconds: WAIT_SECONDS });
  }
}
