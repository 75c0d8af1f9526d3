import type { ErrorRecord } from '../core/errors.ts';
import type { Facts, Member } from '../core/explain_facts.ts';
import { STARTABLE, type State } from '../core/states.ts';
import { isHeldBy } from './pauses.ts';
import type { Database } from './pool.ts';
import type { Pause } from './queues.ts';
import { isVisible, type Visibility, visibilityValues } from './visibility.ts';

/** Counting tasks of a queue stops here. */
export const QUEUE_READ_LIMIT = 10_000;
/** How many finished tasks tell the rate of a queue at most, and over how long. */
const FINISHED_READ_LIMIT = 1_000;
const FINISHED_WITHIN_SECS = 300;

/** Of a list of children, and of runners that are too old, as many are told. */
const MEMBERS_TOLD = 5;

type Row = Omit<Facts['task'], 'after'> & {
  after: string[] | null;
  parent_id: string | null;
  parent_name: string;
  parent_state: State;
  family_id: string | null;
  done: number;
  failed: number;
  members: Member[];
  now: string;
  live: number;
  able: number;
  slots: number;
  busy: number;
  older: number;
  older_runners: Facts['older']['some'];
  pauses: Pause[];
  failed_attempt: number | null;
  failed_outcome: string;
  failed_error: ErrorRecord | null;
  act_actor: string | null;
  act_at: string;
  act_reason: string | null;
  has_ring: boolean;
  is_locked: boolean;
  holder_id: number | null;
  holder_host: string;
  holder_pid: number;
  holder_lease_until: string;
  holder_has_ended: boolean;
  timeout_ms: number | null;
  is_due: boolean;
  ahead: number;
  is_capped: boolean;
  finished_count: number;
  finished_since: string | null;
};

/**
 * All that tells why a task is where it is, as of one moment, or null when there is no task of this id that the caller
 * may see. What it reads is bounded, whatever the ledger holds: of the task's queue QUEUE_READ_LIMIT rows, by
 * tasks_name_state_id_idx and tasks_due_idx, of what finished lately FINISHED_READ_LIMIT, by
 * tasks_name_finished_at_idx, of children (10,000 at most) QUEUE_READ_LIMIT, by tasks_parent_id_step_key; of the rest one row each by its key (the ring by that of graphile-worker's jobs, the
 * act by audit_task_id_idx), and the live runners by runners_live_idx.
 */
export async function readFacts(
  database: Database,
  id: string,
  visibility: Visibility,
): Promise<Facts | null> {
  const { rows } = await database.query<Row>({
    name: 'explain_task',
    text: FACTS,
    values: [
      id,
      ...visibilityValues(visibility),
      STARTABLE,
      QUEUE_READ_LIMIT,
      FINISHED_WITHIN_SECS,
      FINISHED_READ_LIMIT,
      MEMBERS_TOLD,
    ],
  });
  return rows[0] === undefined ? null : toFacts(rows[0]);
}

/** Whether the caller may see tasks of a name; those of Errand itself have neither parents nor children. */
function isSeen(name: string): string {
  return `($2::text[] is null or split_part(${name}, '.', 1) = any ($2))`;
}

// The limits and orders make each part a range of its index, whatever the planner thinks of the table; the states are
// spelled out because one of the indexes is a partial one.
const FACTS = `
  with t as materialized (
    select t.id, t.name, t.version, t.state, t.priority, t.attempt, t.max_attempts,
           t.ring, t.run_at, t.started_at, t.finished_at, t.runner_id, t.crashes, t.cancel_requested_at, t.progress,
           t.progress_note, t.error, t.parent_id, t.step, t.after, t.skipped, t.children, t.pending,
           t.state = any ($4) as is_startable,
           -- A workflow that is due begins with its steps.
           t.state = any ($4) and t.run_at <= now() and t.pending = 0 as is_due,
           -- Whose children tell more: of a step that waits those of its workflow, else its own.
           case when t.state = 'waiting' then t.parent_id when t.children > 0 then t.id end as family_id
      from errand.tasks t
     where t.id = $1 and ${isVisible('$2', '$3')}
  )
  select now() as now, t.*, pool.*, queue.*, finished.*, family.*,
         parent.id as parent_id, parent.name as parent_name, parent.state as parent_state,
         coalesce((select json_agg(json_build_object('target', p.target, 'paused_at', p.paused_at,
                                                     'actor', p.actor, 'reason', p.reason) order by p.target)
                     from errand.pauses p
                    where ${isHeldBy('t.name', 'p.target')}), '[]') as pauses,
         failure.attempt as failed_attempt, failure.outcome as failed_outcome, failure.error as failed_error,
         act.actor as act_actor, act.at as act_at, act.reason as act_reason,
         ring.key is not null as has_ring, ring.locked_at is not null as is_locked,
         holder.id as holder_id, holder.host as holder_host, holder.pid as holder_pid,
         holder.heartbeat_at + make_interval(secs => holder.lease_secs) as holder_lease_until,
         holder.ended_at is not null as holder_has_ended,
         (definition.policy ->> 'timeoutMs')::float8 as timeout_ms
    from t
    left join errand.definitions definition on definition.name = t.name
    left join errand.tasks parent on parent.id = t.parent_id and ${isSeen('parent.name')}
    left join lateral (
      select a.attempt, a.outcome, a.error
        from errand.attempts a
       where a.task_id = t.id
       order by a.attempt desc
       limit 1
    ) failure on true
    left join lateral (
      select a.actor, a.at, a.reason
        from errand.audit a
       where a.task_id = t.id
         and a.action = case
               when t.state = 'resolved' then 'resolve'
               when t.cancel_requested_at is not null then 'cancel'
             end
       order by a.id desc
       limit 1
    ) act on true
    left join lateral (
      select job.key, job.locked_at, job.locked_by from graphile_worker.jobs job where job.key = t.ring::text limit 1
    ) ring on t.is_startable
    left join lateral (
      (select r.* from errand.runners r where r.id = t.runner_id)
      union all
      (select r.*
         from errand.runners r
        where t.runner_id is null and r.ended_at is null and ring.locked_by = any (r.pool_ids)
        limit 1)
    ) holder on true
   cross join lateral (
      select count(*) as live,
             count(*) filter (where r.is_able) as able,
             coalesce(sum(r.concurrency) filter (where r.is_able), 0) as slots,
             coalesce(sum(least(r.in_flight, r.concurrency)) filter (where r.is_able), 0) as busy,
             count(*) filter (where r.is_named and not r.is_able) as older,
             coalesce(to_json((array_agg(json_build_object('id', r.id, 'host', r.host, 'pid', r.pid, 'version', r.known)
                                         order by r.id desc) filter (where r.is_named and not r.is_able))[1:$8]), '[]') as older_runners
        from (select one.*, named.*, named.is_named and coalesce(errand.version_key(named.known) >= errand.version_key(t.version), true) as is_able
                from errand.runners one
               cross join lateral (select t.name = any (one.task_names) as is_named, one.task_versions ->> t.name as known) named
               where one.ended_at is null and one.heartbeat_at >= now() - make_interval(secs => one.lease_secs)) r
    ) pool
   cross join lateral (
      select count(*) filter (where seen.is_ahead) as ahead, count(*) > $5 as is_capped
        from (
          (select (q.priority, q.run_at, q.id) < (t.priority, t.run_at, t.id) as is_ahead
             from errand.tasks q
            where t.is_due and q.name = t.name and q.state = 'queued'
            order by q.id
            limit $5 + 1)
          union all
          (select (q.priority, q.run_at, q.id) < (t.priority, t.run_at, t.id) and q.pending = 0
             from errand.tasks q
            where t.is_due and q.name = t.name and q.state in ('scheduled', 'retrying') and q.run_at <= now()
            order by q.run_at
            limit $5 + 1)
          limit $5 + 1
        ) seen
    ) queue
   cross join lateral (
      select count(*) as finished_count, min(f.finished_at) as finished_since
        from (select done.finished_at
                from errand.tasks done
               where t.is_due and done.name = t.name and done.finished_at > now() - make_interval(secs => $6)
               order by done.finished_at desc
               limit $7) f
    ) finished
   cross join lateral (
      select count(*) filter (where m.state in ('succeeded', 'resolved')) as done,
             count(*) filter (where m.state in ('failed', 'cancelled')) as failed,
             coalesce(json_agg(json_build_object('id', m.id, 'name', m.name, 'step', m.step, 'state', m.state,
                                                 'after', coalesce(m.after, '{}'), 'skipped', m.skipped,
                                                 'message', m.message) order by m.id)
                        filter (where m.is_seen and (m.step is not null or m.place <= $8)), '[]') as members
        from (
          select c.*, ${isSeen('c.name')} as is_seen,
                 row_number() over (order by c.state in ('failed', 'cancelled') desc,
                                             c.state in ('succeeded', 'resolved'), c.id) as place
            from (select kin.id, kin.name, kin.step, kin.state, kin.after, kin.skipped,
                         left(kin.error ->> 'message', 500) as message
                    from errand.tasks kin
                   where kin.parent_id = t.family_id
                   order by kin.parent_id, kin.step
                   limit $5) c
        ) m
    ) family`;

function toFacts(row: Row): Facts {
  const { now, live, able, slots, busy, older, older_runners } = row;
  return {
    now,
    task: { ...row, after: row.after ?? [] },
    parent:
      row.parent_id === null ? null : { id: row.parent_id, name: row.parent_name, state: row.parent_state },
    family: row.family_id === null ? null : { done: row.done, failed: row.failed, members: row.members },
    failure:
      row.failed_attempt === null
        ? null
        : { attempt: row.failed_attempt, outcome: row.failed_outcome, error: row.failed_error },
    // Times within JSON come as Postgres writes them.
    pauses: row.pauses.map((pause) => ({ ...pause, paused_at: new Date(pause.paused_at).toISOString() })),
    act: row.act_actor === null ? null : { actor: row.act_actor, at: row.act_at, reason: row.act_reason },
    runners: { live, able, slots, busy },
    older: { count: older, some: older_runners },
    ring: row.has_ring ? { is_locked: row.is_locked } : null,
    runner: runnerOf(row),
    timeout_ms: row.timeout_ms,
    queue: row.is_due ? { ahead: row.ahead, is_capped: row.is_capped } : null,
    finished: { count: row.finished_count, since: row.finished_since },
  };
}

function runnerOf(row: Row): Facts['runner'] {
  if (row.holder_id === null) return null;
  return {
    id: row.holder_id,
    host: row.holder_host,
    pid: row.holder_pid,
    lease_until: row.holder_lease_until,
    has_ended: row.holder_has_ended,
  };
}
