import type { Request } from 'express';
import { z } from 'zod';
import { isTerminal } from '../core/states.ts';
import { getState, getTask, type Task } from '../store/tasks.ts';
import type { Call } from './call.ts';
import { parseQuery } from './request.ts';

const querySchema = z.object({ wait: z.number().default(0) });

/** How long a request wants to wait for its task, from `?wait=`. */
export function waitSeconds(request: Request): number {
  return parseQuery(querySchema, request).wait;
}

/**
 * Waits until a task has finished, for at most `seconds`, and gives it as it then is; at once when the process
 * is stopping or the caller is gone. Null when the task is not there any more.
 */
export async function waitForTask(call: Call, task: Task, seconds: number): Promise<Task | null> {
  if (seconds === 0 || isTerminal(task.state)) return task;
  const deadline = performance.now() + seconds * 1_000;
  const signal = AbortSignal.any([call.stopping, call.gone]);
  const watch = call.streams.feed.watch(task.id);
  try {
    while (!signal.aborted) {
      // Not the whole task, which may be megabytes.
      const state = await getState(call.reads, task.id);
      const leftMs = deadline - performance.now();
      if (state === null || isTerminal(state) || leftMs <= 0) break;
      await watch.changed(signal, leftMs);
    }
  } finally {
    watch.close();
  }
  return getTask(call.reads, task.id);
}
