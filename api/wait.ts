import { setTimeout } from 'node:timers/promises';
import type { Request } from 'express';
import { z } from 'zod';
import { isTerminal } from '../core/states.ts';
import { getState, getTask, type Task } from '../store/tasks.ts';
import type { Call } from './call.ts';
import { parseQuery } from './request.ts';

const FIRST_PAUSE_MS = 10;
const MAX_PAUSE_MS = 500;
const PAUSE_FACTOR = 1.5;

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
  const { reads } = call;
  const deadline = performance.now() + seconds * 1_000;
  const signal = AbortSignal.any([call.stopping, call.gone]);
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause *= PAUSE_FACTOR) {
    const left = deadline - performance.now();
    if (left <= 0) break;
    await setTimeout(Math.min(pause, MAX_PAUSE_MS, left), undefined, { signal }).catch(() => {});
    // Not the whole task, which may be megabytes.
    const state = await getState(reads, task.id);
    if (state === null || isTerminal(state)) break;
  }
  return getTask(reads, task.id);
}
