import { setTimeout } from 'node:timers/promises';
import { TaskFailedError, type TaskRecord } from '../client/index.ts';
import { startProgress } from './output/progress.ts';
import type { Session } from './session.ts';

/**
 * Waits until a task has ended, however that was, and shows its progress on a terminal. Throws TimeoutError
 * with the code WAIT_TIMEOUT after `timeoutMs`.
 */
export async function followTask(
  { persistent, signal }: Session,
  id: string,
  { timeoutMs, label }: { timeoutMs?: number | undefined; label: string },
): Promise<TaskRecord> {
  const stop = new AbortController();
  const progress = startProgress(label);
  const watched = AbortSignal.any([stop.signal, signal]);
  const watch = async (): Promise<void> => {
    for await (const event of persistent.events(id, { signal: watched })) {
      const attempt = event.attempt > 1 ? `, attempt ${event.attempt}` : '';
      const note = event.progressNote === null ? '' : `: ${event.progressNote}`;
      progress.update(event.progress ?? 0, `${event.state}${attempt}${note}`);
    }
  };
  // Only the picture: the wait below has the errors.
  if (process.stderr.isTTY === true) watch().catch(() => {});
  try {
    return await persistent.wait(id, { timeoutMs });
  } catch (error) {
    if (error instanceof TaskFailedError) return error.task;
    throw error;
  } finally {
    stop.abort();
    progress.stop();
    // The aborted events end before the caller prints.
    await setTimeout(0);
  }
}

/** Whether a task has ended well. */
export function hasSucceeded({ state }: { state: string }): boolean {
  return state === 'succeeded' || state === 'resolved';
}
