import { type Registry, taskNames } from '../../core/registry.ts';
import type { Database } from '../../store/database/pool.ts';
import { listRegistered } from '../../store/submit/registered.ts';

/** Gives the names of all tasks and steps that the API accepts. Throws errors of Postgres. */
export type QueueNames = (database: Database) => Promise<readonly string[]>;

/**
 * Gives the names of the definitions of this process, and of those that only other processes have registered.
 * `project` is the repository of this process.
 */
export function queueNames(registry: Registry, project: string | null): QueueNames {
  const own = taskNames(registry.definitions);
  return async (database) => {
    const registered = await listRegistered(database, project);
    return [...new Set([...own, ...registered.map(({ name }) => name)])];
  };
}
