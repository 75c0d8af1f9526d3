import type { Pool } from 'pg';
import { z } from 'zod';
import { defineTask, type Handler, type TaskDefinition } from '../../core/task.ts';
import { executable, startTestRunner } from '../support/runner.ts';
import { finished, submitOne } from '../support/tasks.ts';

const quick = { initialMs: 1, maxMs: 1, jitter: 0 };

/** A definition for a test: a payload with a default and a transform, retries at once. */
export function define(
  name: `${string}.${string}`,
  more: { result?: z.ZodType; maxAttempts?: number } = {},
): TaskDefinition {
  return defineTask({
    name,
    version: '1.0.0',
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

/** Runs one task of its own definition with a handler, and gives it when it has finished. */
export async function run(
  pool: Pool,
  name: `${string}.${string}`,
  handler: Handler,
  more: Parameters<typeof define>[1] & { payload?: unknown } = {},
) {
  const definition = define(name, more);
  await startTestRunner(pool, { executables: new Map([executable(definition, handler)]) });
  const task = await submitOne(pool, {
    name,
    payload: more.payload ?? {},
    maxAttempts: more.maxAttempts ?? 3,
  });
  return finished(pool, task.id);
}
