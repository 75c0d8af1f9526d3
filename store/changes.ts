import { z } from 'zod';
import { STATES, type State } from '../core/states.ts';
import type { Database } from './pool.ts';

/** The channels of migration 0012: of tasks that were written, and of tasks that have new lines. */
export const TASKS_CHANNEL = 'errand_tasks';
export const LINES_CHANNEL = 'errand_lines';

/** A task as it was written, in short. */
export type Change = {
  id: string;
  name: string;
  state: State;
  attempt: number;
  progress: number | null;
  parentId: string | null;
};

const changesSchema = z.array(
  z
    .tuple([z.string(), z.string(), z.enum(STATES), z.number(), z.number().nullable(), z.string().nullable()])
    .transform(
      ([id, name, state, attempt, progress, parentId]): Change => ({
        id,
        name,
        state,
        attempt,
        progress,
        parentId,
      }),
    ),
);
const idsSchema = z.array(z.string());

/** The payload of TASKS_CHANNEL. Anybody with access to the database can send one: what is none gives nothing. */
export function changesIn(payload: string): Change[] {
  return parsed(changesSchema, payload) ?? [];
}

/** The ids in a payload of LINES_CHANNEL. */
export function idsIn(payload: string): string[] {
  return parsed(idsSchema, payload) ?? [];
}

function parsed<T>(schema: z.ZodType<T>, payload: string): T | undefined {
  try {
    return schema.safeParse(JSON.parse(payload)).data;
  } catch {
    return undefined;
  }
}

/**
 * Has changes announced for `seconds` from now. What was begun before that is committed may go unannounced, so whoever
 * watches reads the ledger now and then, too. Like the heartbeat of a runner it asks how full the queue of notifications is.
 */
export async function keepWatched(database: Database, seconds: number): Promise<void> {
  await database.query(
    `update errand.watch
        set watched_until = greatest(watched_until, now() + make_interval(secs => $1))
      where pg_notification_queue_usage() >= 0`,
    [seconds],
  );
}
