import type { Request } from 'express';
import { z } from 'zod';
import { isTerminal } from '../../core/states.ts';
import { getState, getTask, type Task } from '../../store/tasks/tasks.ts';
import { MAX_WAIT_SECONDS } from '../capacity/time_limit.ts';
import type { RequestContext } from '../context.ts';
import { inQuery, type Parameter } from '../openapi/schemas/parameters.ts';
import { parseQuery } from '../request.ts';

/** The parameter for waiting until the task has finished. */
export const waitParameter: Parameter = inQuery(
  'wait',
  { type: 'number', minimum: 0, maximum: MAX_WAIT_SECONDS },
  'Wait until the task has finished, but at most this many seconds, before answering',
);

const querySchema = z.object({ wait: z.number().default(0) });

/** The number of seconds that a request wants to wait for its task, from `?wait=`. */
export function waitSeconds(request: Request): number {
  if (!request.url.includes('?')) return 0;
  return parseQuery(querySchema, request).wait;
}

/**
 * Waits until a task has finished, at most `seconds`, and gives its current record. Returns at once if the
 * process is stopping or the caller has disconnected. Null if the task does not exist any more.
 */
export async function waitForTask(
  context: RequestContext,
  task: Task,
  seconds: number,
): Promise<Task | null> {
  if (seconds === 0 || isTerminal(task.state)) return task;
  const deadline = performance.now() + seconds * 1_000;
  const signal = AbortSignal.any([context.stopping, context.gone]);
  const watch = context.streams.feed.watch(task.id);
  try {
    while (!signal.aborted) {
      // Reads only the state: a complete task may have megabytes.
      const state = await getState(context.reads, task.id);
      const leftMs = deadline - performance.now();
      if (state === null || isTerminal(state) || leftMs <= 0) break;
      await watch.changed(signal, leftMs);
    }
  } finally {
    watch.close();
  }
  return getTask(context.reads, task.id);
}
