import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { ConcurrencyInput } from '../../core/limits/rules.ts';
import { defineTask, type Handler, type TaskDefinition } from '../../core/task.ts';
import type { RegisteredHandler } from '../../runner/execute/execute.ts';

type Keyed = { key?: string | undefined };

/** The tasks that are measured: they differ only in their limits. */
export type LimitedName =
  | ('bench.free' | 'bench.hundred' | 'bench.keyed')
  | ('bench.one' | 'bench.slow_one' | 'bench.turns');

const BY_KEY = ({ key = '' }: Keyed): string => key;
const LIMITS: Record<LimitedName, ConcurrencyInput<Keyed> | null> = {
  'bench.free': null,
  'bench.hundred': 100,
  'bench.keyed': { limit: 1, key: BY_KEY },
  'bench.one': 1,
  'bench.slow_one': 1,
  'bench.turns': [10, { limit: 10, key: BY_KEY }],
};
/** How long these tasks take, in milliseconds. Attempts of 20 ms hand their slots over through the ledger. */
const DURATIONS: { [name in LimitedName]?: number } = { 'bench.slow_one': 20, 'bench.turns': 10 };

/** When an attempt started and ended, in milliseconds since 1970 by the clock of its runner. */
export type Ran = { from: number; to: number };

const now = (): number => performance.timeOrigin + performance.now();
const ranFrom = (from: number): Ran => ({ from, to: now() });

async function slow(ms: number): Promise<Ran> {
  const from = now();
  await pause(ms);
  return ranFrom(from);
}

/** The definitions with their handlers. */
export const limitedTasks: Map<string, RegisteredHandler> = new Map(
  (Object.keys(LIMITS) as LimitedName[]).map((name) => {
    const concurrency = LIMITS[name];
    const definition = defineTask({
      name,
      version: '1.0.0',
      description: 'A task of the benchmark of limits',
      payload: z.object({ key: z.string().optional() }),
      example: {},
      policy: { dedup: { strategy: 'none' }, ...(concurrency === null ? {} : { concurrency }) },
    }) as unknown as TaskDefinition;
    const ms = DURATIONS[name];
    const handler: Handler = ms === undefined ? () => ranFrom(now()) : () => slow(ms);
    return [name, { definition, handler }];
  }),
);
