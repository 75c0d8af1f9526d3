import { isHeldBy } from './pauses.ts';
import type { Database } from './pool.ts';
import type { Scope } from './stats_scope.ts';

/** What an operator has paused: a namespace, the name of a task, or what names begin with; `paused_at` is ISO 8601. */
export type Paused = { target: string; paused_at: string; actor: string; reason: string | null };

/**
 * What is paused of what is in scope, the latest first, a thousand at most. The pause of a namespace also concerns who
 * asks for one of its names, and that of a workflow who asks for one of its steps. The table is nearly always empty, and never large.
 */
export async function readPaused(database: Database, scope: Scope): Promise<Paused[]> {
  const { rows } = await database.query<Paused>({
    name: 'read_paused',
    text: `
      select target, paused_at, actor, reason
        from errand.pauses
       where ($1::text[] is null or split_part(target, '.', 1) = any ($1))
         and ($2::text is null or ${isHeldBy('$2', 'target')})
       order by paused_at desc, target
       limit 1000`,
    values: [scope.namespaces, scope.name ?? null],
  });
  return rows;
}
