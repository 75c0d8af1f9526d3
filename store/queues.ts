import { type Act, actValues } from './audit.ts';
import { isHeldBy, PAUSE_CHANNEL } from './pauses.ts';
import type { Database } from './pool.ts';

/** A queue that an operator has paused: a namespace, one task name, or what several begin with, such as a workflow. */
export type Pause = { target: string; paused_at: string; actor: string; reason: string | null };

/** What became of a target; `isKnown` is whether it holds any definition. */
export type Changed = { changed: boolean; isKnown: boolean; pause: Pause | null };

/**
 * Pauses a namespace or a task name (R10), of a workflow with its steps: its attempts under way go on, no new one starts. Every runner is told, and
 * what it had fetched it finds paused when it begins it. Nothing happens when it is paused, or nobody knows it.
 */
export async function pauseQueue(database: Database, target: string, act: Act): Promise<Changed> {
  const { rows } = await database.query<Changed>({
    name: 'pause_queue',
    text: `
      with known as materialized (
        select exists (select from errand.definitions d where ${isHeldBy('d.name', '$4')}) as is_known
      ),
      paused as (
        insert into errand.pauses (target, actor, reason)
        select $4, $1, $2 from known where is_known
        on conflict (target) do nothing
        returning *
      ),
      ${auditAndTell('pause', 'paused')}
      select exists (select from paused) as changed,
             (select is_known from known) as "isKnown",
             coalesce((select to_json(paused) from paused),
                      (select to_json(pauses) from errand.pauses where target = $4)) as pause,
             (select count(*) from told) as told`,
    values: [...actValues(act).slice(0, 3), target],
  });
  return toChanged(rows[0]);
}

/** Ends a pause: what waits is fetched again at once. Nothing happens when it is not paused. */
export async function resumeQueue(database: Database, target: string, act: Act): Promise<Changed> {
  const { rows } = await database.query<Changed>({
    name: 'resume_queue',
    text: `
      with resumed as (
        delete from errand.pauses where target = $4 returning *
      ),
      ${auditAndTell('resume', 'resumed')}
      select exists (select from resumed) as changed,
             exists (select from resumed)
               or exists (select from errand.definitions d where ${isHeldBy('d.name', '$4')}) as "isKnown",
             null as pause,
             (select count(*) from told) as told`,
    values: [...actValues(act).slice(0, 3), target],
  });
  return toChanged(rows[0]);
}

function auditAndTell(action: 'pause' | 'resume', changed: string): string {
  return `
      audited as (
        insert into errand.audit (actor, action, namespace, target, reason, request_id)
        select $1, '${action}', split_part(target, '.', 1), target, $2, $3 from ${changed}
      ),
      told as (
        select pg_notify('${PAUSE_CHANNEL}', target) from ${changed}
      )`;
}

function toChanged(row: Changed | undefined): Changed {
  if (row === undefined) throw new Error('the statement gave no row');
  const { changed, isKnown, pause } = row;
  if (pause === null) return { changed, isKnown, pause };
  // Times within JSON come as Postgres writes them.
  return { changed, isKnown, pause: { ...pause, paused_at: new Date(pause.paused_at).toISOString() } };
}

/** A queue, as the wire has it: a task name, and what keeps it from starting. */
export type Queue = { name: string; namespace: string; pauses: Pause[] };

/** The queues of the known definitions, by name, of these namespaces (null is all), with their pauses. */
export async function listQueues(database: Database, namespaces: readonly string[] | null): Promise<Queue[]> {
  const { rows } = await database.query<Queue>({
    name: 'list_queues',
    text: `
      select d.name, d.namespace,
             coalesce((select json_agg(json_build_object('target', p.target, 'paused_at', p.paused_at,
                                                         'actor', p.actor, 'reason', p.reason) order by p.target)
                         from errand.pauses p
                        where ${isHeldBy('d.name', 'p.target')}), '[]') as pauses
        from errand.definitions d
       where $1::text[] is null or d.namespace = any ($1)
       order by d.name
       limit 1000`,
    values: [namespaces],
  });
  return rows.map((queue) => ({
    ...queue,
    pauses: queue.pauses.map((pause) => ({ ...pause, paused_at: new Date(pause.paused_at).toISOString() })),
  }));
}
