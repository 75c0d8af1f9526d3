import type { Pool } from 'pg';
import { z } from 'zod';
import { defineTask, type Handler, type TaskDefinition } from '../../../core/task.ts';
import type { Task } from '../../../store/tasks/tasks.ts';
import { registeredHandler, startTestRunner } from '../../support/runner.ts';
import { finished, submitOne } from '../../support/tasks.ts';

const quick = { initialMs: 1, maxMs: 1, jitter: 0 };

/** A definition for a test: a payload with a default and a transform, retries at once. */
export function define(
  name: `${string}.${string}`,
  more: { result?: z.ZodType; maxAttempts?: number; version?: string } = {},
): TaskDefinition {
  return defineTask({
    name,
    version: more.version ?? '1.0.0',
    description: 'For a test',
    payload: z.strictObject({
      value: z
        .string()
        .default('nothing')
        .transform((text) => text.toUpperCase()),
    }),
    example: {},
    policy: { backoff: quick, dedup: { strategy: 'none' } },
    ...(more.result ? { result: more.result } : {}),
  }) as unknown as TaskDefinition;
}

type Options = NonNullable<Parameters<typeof define>[1]> & { payload?: unknown };

/** Starts a runner that has one definition of its own, and submits one task of it. */
export async function start(
  pool: Pool,
  name: `${string}.${string}`,
  handler: Handler,
  more: Options = {},
): Promise<Task> {
  const definition = define(name, more);
  await startTestRunner(pool, { registeredHandlers: new Map([registeredHandler(definition, handler)]) });
  return submitOne(pool, { name, payload: more.payload ?? {}, maxAttempts: more.maxAttempts ?? 3 });
}

/** Like `start`, and gives the task when it has finished. */
export async function run(...parameters: Parameters<typeof start>): Promise<Task> {
  const [pool] = parameters;
  const task = await start(...parameters);
  return finished(pool, task.id);
}
