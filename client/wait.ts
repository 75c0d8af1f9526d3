import { startDeadline } from './deadline.ts';
import { TaskFailedError, TimeoutError } from './errors.ts';
import { type Follow, StreamUnavailable } from './event_stream.ts';
import type { CallOptions } from './options.ts';
import { type FinishedTask, hasEnded, type TaskEvent, type TaskRecord } from './records.ts';
import { getTask, taskPath } from './tasks.ts';
import type { Transport } from './transport.ts';

export type WaitOptions = CallOptions & {
  /** How long, before it is a TimeoutError; without it as long as it takes. The task goes on all the same. */
  timeoutMs?: number | undefined;
};

type Door = { transport: Transport; follow: Follow };

/** Most tasks have ended by then, so one request is all that it takes. */
const FIRST_WAIT_SECONDS = 1;
const WAIT_SECONDS = 20;

/**
 * Waits until a task has come to a result and gives its record. Throws TaskFailedError when it failed or was
 * cancelled. A connection that breaks, and an API that is away for a while, are waited out.
 */
export async function waitForTask(
  { transport, follow }: Door,
  id: string,
  { signal, timeoutMs }: WaitOptions = {},
): Promise<FinishedTask> {
  let seen = 'not known';
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
    if (record.state === 'failed' || record.state === 'cancelled') throw new TaskFailedError(record);
    return record as FinishedTask;
  } finally {
    deadline.end();
  }
}

/** The record after the task has ended, or after a while where there are no streams. */
async function nextRecord({ transport, follow }: Door, id: string, signal: AbortSignal): Promise<TaskRecord> {
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
