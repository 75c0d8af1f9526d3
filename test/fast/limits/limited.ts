import type { Pool } from 'pg';
import { z } from 'zod';
import type { PolicyInput } from '../../../core/definitions/policy.ts';
import type { ConcurrencyInput } from '../../../core/limits/rules.ts';
import { defineTask, type Handler, type TaskDefinition } from '../../../core/task.ts';
import type { Runner } from '../../../runner/runner.ts';
import { registerDefinitions } from '../../../store/submit/definitions.ts';
import { registeredHandler, startTestRunner, type TestRunnerOptions } from '../../support/runner.ts';

type Name = `${string}.${string}`;

/** The payload of these tasks. */
export type Keyed = { key?: string | undefined };

/** A task with these rules. */
export function limited(name: Name, concurrency: ConcurrencyInput<Keyed>, version = '1.0.0'): TaskDefinition {
  return withPolicy(name, { concurrency }, version);
}

/** A task with this policy. */
export function withPolicy(name: Name, policy: PolicyInput<Keyed>, version = '1.0.0'): TaskDefinition {
  return defineTask({
    name,
    version,
    description: 'With limits',
    payload: z.object({ key: z.string().optional() }),
    example: {},
    policy,
  }) as TaskDefinition;
}

/** What runs now and what ran at most at one time, in all and by key. It is asked by the handlers themselves. */
export function createWitness() {
  const now = new Map<string, number>();
  const most = new Map<string, number>();
  return {
    most: (key = '') => most.get(key) ?? 0,
    now: (key = '') => now.get(key) ?? 0,
    async within<T>(keys: readonly string[], work: () => Promise<T>): Promise<T> {
      for (const key of keys) {
        now.set(key, (now.get(key) ?? 0) + 1);
        most.set(key, Math.max(most.get(key) ?? 0, now.get(key) ?? 0));
      }
      try {
        return await work();
      } finally {
        for (const key of keys) now.set(key, (now.get(key) ?? 0) - 1);
      }
    },
  };
}

/** Registers definitions, and starts a runner that executes all of them with one handler. */
export async function startLimited(
  pool: Pool,
  definitions: readonly TaskDefinition[],
  handler: Handler,
  options: Omit<TestRunnerOptions, 'registeredHandlers'> = {},
): Promise<Runner> {
  await registerDefinitions(pool, definitions);
  return startTestRunner(pool, {
    ...options,
    registeredHandlers: new Map(definitions.map((definition) => registeredHandler(definition, handler))),
  });
}

/** Everything that the ledger knows of a limit: the number of its slots and waits. */
export async function stateOf(pool: Pool, limit: string): Promise<{ slots: number; waits: number }> {
  const { rows } = await pool.query<{ slots: number; waits: number }>(
    `select (select count(*) from errand.limit_slots where limit_name = $1) as slots,
            (select count(*) from errand.limit_waits where limit_name = $1) as waits`,
    [limit],
  );
  return rows[0] ?? { slots: -1, waits: -1 };
}
