import type { Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineTask, type Handler } from '../../../../core/task.ts';
import { type EventSource, openEvents } from '../../../support/network/event_source.ts';
import { registeredHandler } from '../../../support/runner.ts';
import { submitOne } from '../../../support/tasks.ts';

/** A reader that hangs up when the test is done. */
export async function reader(
  url: string,
  headers: Record<string, string> = {},
  stalled = false,
): Promise<EventSource> {
  const source = await openEvents(url, headers, stalled);
  onTestFinished(source.close);
  return source;
}

/** A task that does what the test wants. */
export function scripted(name: string, handler: Handler): ReturnType<typeof registeredHandler> {
  const definition = defineTask({
    name,
    version: '1.0.0',
    description: 'Does what a test wants',
    payload: z.object({}),
    example: {},
    policy: {
      maxAttempts: 5,
      backoff: { initialMs: 10, factor: 1, maxMs: 10, jitter: 0 },
      dedup: { strategy: 'none' },
    },
  });
  return registeredHandler(definition, handler as never);
}

/** A task with so many lines, which runs or has ended, as runners would leave it. */
export async function taskWithLines(
  pool: Pool,
  count: number,
  options: { state?: 'running' | 'succeeded'; length?: number } = {},
): Promise<string> {
  const { id } = await submitOne(pool, { name: 'example.sleep', payload: {} });
  await addLines(pool, id, 1, count, options.length);
  await setState(pool, id, options.state ?? 'succeeded');
  return id;
}

/** Adds the lines from one number to another, in one statement. */
export async function addLines(pool: Pool, id: string, from: number, to: number, length = 10): Promise<void> {
  await pool.query(
    `insert into errand.logs (task_id, seq, attempt, level, message, at)
     select $1, seq, 1, 'info', rpad(seq::text, $4, '.'), now() from generate_series($2::integer, $3) seq`,
    [id, from, to, length],
  );
}

/** Puts a task into a state. */
export async function setState(pool: Pool, id: string, state: string): Promise<void> {
  await pool.query(
    `update errand.tasks set state = $2, finished_at = case when $2 = 'succeeded' then now() end where id = $1`,
    [id, state],
  );
}

/** 1 to `count`. */
export const upTo = (count: number, from = 1): number[] =>
  Array.from({ length: count - from + 1 }, (_, index) => from + index);

/** The numbers of the lines that a reader has got. */
export const seqs = ({ events }: EventSource): number[] =>
  events.filter(({ event }) => event === 'line').map(({ data }) => data.seq);
