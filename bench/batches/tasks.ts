import type { Pool } from 'pg';
import { z } from 'zod';
import { defineBatchHandler } from '../../core/batch_handler.ts';
import { defineHandler, defineTask, type TaskDefinition } from '../../core/task.ts';
import { registration } from '../../runner/execute/batch_call.ts';
import type { RegisteredHandler } from '../../runner/execute/execute.ts';

/** How many tasks a batch has. */
export const BATCH_SIZE = 100;
/** Where the tasks write. */
export const SINK = 'create table if not exists public.bench_sink (task_id uuid)';

const basics = {
  version: '1.0.0',
  description: 'A task of the benchmark of batches',
  payload: z.object({}),
  example: {},
  policy: { dedup: { strategy: 'none' } },
} as const;
const batch = { size: BATCH_SIZE };

const nothing = defineTask({ ...basics, name: 'bench.nothing' });
const nothingTogether = defineTask({ ...basics, name: 'bench.nothing_together', batch });
const write = defineTask({ ...basics, name: 'bench.write' });
const writeTogether = defineTask({ ...basics, name: 'bench.write_together', batch });

/** Tasks that do nothing, and tasks that write a row each, one by one and in batches. */
export function batchTasks(pool: Pool): Map<string, RegisteredHandler> {
  const codes: [TaskDefinition, unknown][] = [
    [nothing, defineHandler(nothing, () => null)],
    [nothingTogether, defineBatchHandler(nothingTogether, (items) => items.map(() => ({ result: null })))],
    [
      write,
      defineHandler(write, async (_payload, { id }) => {
        await pool.query('insert into public.bench_sink values ($1)', [id]);
      }),
    ],
    [
      writeTogether,
      defineBatchHandler(writeTogether, async (items) => {
        const ids = items.map(({ id }) => id);
        await pool.query('insert into public.bench_sink select unnest($1::uuid[])', [ids]);
        return items.map(() => ({ result: null }));
      }),
    ],
  ];
  return new Map(codes.map(([definition, code]) => [definition.name, registration(definition, code)]));
}
