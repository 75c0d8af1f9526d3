import { isoTime } from '../database/iso_time.ts';
import type { Database } from '../database/pool.ts';
import { isHeldBy } from '../tasks/pauses.ts';
import { type Act, actValues } from './audit.ts';

/**
 * A pause by an operator: of a namespace, of one task name, or of the start of several names, such
 * as a workflow.
 */
export type Pause = { target: string; paused_at: string; actor: string; reason: string | null };

/** The result for a target. `isKnown` is whether it holds any definition. */
export type Changed = { changed: boolean; isKnown: boolean; pause: Pause | null };

/**
 * Pauses a namespace or a task name (R10), and a workflow with its steps. Running attempts
 * continue, and no new one starts. Every runner is notified. If a runner has already fetched a
 * dispatch, it finds the pause when it loads the attempts. Does nothing if the target is paused
 * already or unknown.
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
      ${auditAndNotify('pause', 'paused')}
      select exists (select from paused) as changed,
             (select is_known from known) as "isKnown",
             coalesce((select to_json(paused) from paused),
                      (select to_json(pauses) from errand.pauses where target = $4)) as pause,
             (select count(*) from notified) as notified`,
    values: [...actValues(act).slice(0, 3), target],
  });
  return toChanged(rows[0]);
}

/**
 * Ends a pause: waiting tasks are fetched again at once. Does nothing if the target is not paused.
 */
export async function resumeQueue(database: Database, target: string, act: Act): Promise<Changed> {
  const { rows } = await database.query<Changed>({
    name: 'resume_queue',
    text: `
      with resumed as (
        delete from errand.pauses where target = $4 returning *
      ),
      ${auditAndNotify('resume', 'resumed')}
      select exists (select from resumed) as changed,
             exists (select from resumed)
               or exists (select from errand.definitions d where ${isHeldBy('d.name', '$4')}) as "isKnown",
             null as pause,
             (select count(*) from notified) as notified`,
    values: [...actValues(act).slice(0, 3), target],
  });
  return toChanged(rows[0]);
}

function auditAndNotify(action: 'pause' | 'resume', changed: string): string {
  return `
      audited as (
        insert into errand.audit (actor, action, namespace, target, reason, request_id)
        select $1, '${action}', split_part(target, '.', 1), target, $2, $3 from ${changed}
      ),
      notified as (
        select pg_notify(errand.channel('pause'), target) from ${changed}
      )`;
}

function toChanged(row: Changed | undefined): Changed {
  if (row === undefined) throw new Error('Postgres returned no row for a query that always has one');
  const { changed, isKnown, pause } = row;
  if (pause === null) return { changed, isKnown, pause };
  // Times within JSON come as Postgres writes them.
  return { changed, isKnown, pause: { ...pause, paused_at: isoTime(pause.paused_at) } };
}

/** A queue as on the wire: a task name, and the pauses that hold it. */
export type Queue = { name: string; namespace: string; pauses: Pause[] };

/**
 * The queues of the registered definitions in these namespaces (null means all), by name, with
 * their pauses.
 */
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
    pauses: queue.pauses.map((pause) => ({ ...pause, paused_at: isoTime(pause.paused_at) })),
  }));
}
