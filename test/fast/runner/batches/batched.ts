import type { Pool } from 'pg';
import { z } from 'zod';
import { type BatchHandler, defineBatchHandler } from '../../../../core/batch_handler.ts';
import { defineTask, type TaskDefinition } from '../../../../core/task.ts';
import { loadHandlers } from '../../../../runner/builtin/registered_handlers.ts';
import { registerDefinitions } from '../../../../store/submit/definitions.ts';
import type { Task } from '../../../../store/tasks/tasks.ts';
import { startTestRunner, type TestRunnerOptions } from '../../../support/runner.ts';
import { submit } from '../../../support/tasks.ts';

const payload = z.strictObject({ n: z.int(), key: z.string().default('') });

/** A definition with a batch handler: `n` is to be doubled. */
export function define(
  name: string,
  batch: { size: number; waitMs?: number; key?(payload: { n: number; key: string }): string },
  policy: object = {},
) {
  return defineTask({
    ...{ name, version: '1.0.0', description: 'For a test', payload, example: { n: 1 } },
    result: z.strictObject({ doubled: z.int() }),
    policy: { dedup: { strategy: 'none' }, backoff: { initialMs: 1, maxMs: 1 }, maxAttempts: 2, ...policy },
    batch,
  });
}

export type Doubling = ReturnType<typeof define>;

/** Starts a runner of this definition alone. */
export async function startBatched(
  pool: Pool,
  definition: Doubling,
  handleMany: BatchHandler<Doubling>,
  options: TestRunnerOptions = {},
) {
  const handler = defineBatchHandler(definition, handleMany);
  const definitions = [definition as unknown as TaskDefinition];
  await registerDefinitions(pool, definitions);
  const registeredHandlers = await loadHandlers(pool, definitions, async () => handler);
  return startTestRunner(pool, { registeredHandlers, ...options });
}

/** Submits a task for each of these payloads. */
export function submitAll(
  pool: Pool,
  { name, policy }: Doubling,
  payloads: readonly object[],
): Promise<Task[]> {
  const tasks = payloads.map((one) => ({ name, payload: one, maxAttempts: policy.maxAttempts }));
  return submit(pool, ...tasks);
}

/** The payloads of `count` tasks. */
export const numbers = (count: number, more: object = {}): { n: number }[] =>
  Array.from({ length: count }, (_none, n) => ({ n, ...more }));
