import { z } from 'zod';
import type { State } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';

/** An announced change: the task, and the fields that it can be subscribed to by. */
export type HeardChange = { id: string; name: string; parentId: string | null };

/** The current state of a task, in short. */
export type Change = HeardChange & { state: State; attempt: number; progress: number | null };

const changesSchema = z.array(
  z.tuple([z.guid(), z.string()], z.unknown()).transform(
    ([id, name, ...rest]): HeardChange => ({
      id,
      name,
      parentId: z.guid().safeParse(rest[3]).data ?? null,
    }),
  ),
);
const idsSchema = z.array(z.string());

/**
 * Parses a notification of errand.announce_tasks. Any role with access to the database can send
 * one. So it only says which rows to read, and nothing of it is passed on. An invalid payload gives
 * an empty list.
 */
export function changesIn(payload: string): HeardChange[] {
  return parsed(changesSchema, payload) ?? [];
}

/** Reads these tasks as they are now. Missing ones are left out. Uses the primary key. */
export async function readChanges(database: Database, ids: readonly string[]): Promise<Change[]> {
  const { rows } = await database.query<Change>({
    name: 'read_changes',
    text: `
      select id, name, state, attempt, progress, parent_id as "parentId"
        from errand.tasks
       where id = any ($1::uuid[])`,
    values: [ids],
  });
  return rows;
}

/** Parses a notification of errand.announce_lines: the ids of tasks with new lines. */
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
 * Has changes announced for `seconds` from now. A statement that started before the commit of this
 * one may not be announced, so a watcher must also read the ledger from time to time. Like the
 * heartbeat of a runner it asks how full the queue of notifications is: Postgres frees a queue that
 * was full only when it is asked.
 */
export async function keepWatched(database: Database, seconds: number): Promise<void> {
  await database.query(
    `update errand.watch
        set watched_until = greatest(watched_until, now() + make_interval(secs => $1))
      where pg_notification_queue_usage() >= 0`,
    [seconds],
  );
}
