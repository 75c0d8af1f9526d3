import { isHeldBy } from '../tasks/pauses.ts';
import { isVisible } from '../tasks/visibility.ts';

// The relations of the statement of readFacts. The limits and orders make each a range of its
// index, whatever the planner expects. The states are written out because one of the indexes is a
// partial one.

/** Whether the caller may see tasks of a name. Built-in tasks have neither parents nor children. */
function isSeen(name: string): string {
  return `($2::text[] is null or split_part(${name}, '.', 1) = any ($2))`;
}

/** The last failed attempt. */
const FAILURE = `
    left join lateral (
      select a.attempt, a.outcome, a.error
        from errand.attempts a
       where a.task_id = t.id
       order by a.attempt desc
       limit 1
    ) failure on true`;

/** The last act of an operator that led to this state. */
const ACT = `
    left join lateral (
      select a.actor, a.at, a.reason
        from errand.audit a
       where a.task_id = t.id
         and a.action = any (case
               when t.state = 'resolved' then array['resolve']
               when t.state = 'failed' and t.dismissed_at is not null then array['dismiss', 'resubmit']
               when t.cancel_requested_at is not null then array['cancel']
             end)
       order by a.id desc
       limit 1
    ) act on true`;

/** Its dispatch, if graphile-worker has it, and the pool that has locked it. */
const DISPATCH = `
    left join lateral (
      select job.key, job.locked_at, job.locked_by from errand_worker.jobs job where job.key = t.dispatch_id::text limit 1
    ) dispatch_id on t.is_startable`;

/** The runner that executes it, or that has fetched its dispatch. */
const HOLDER = `
    left join lateral (
      (select r.* from errand.runners r where r.id = t.runner_id)
      union all
      (select r.*
         from errand.runners r
        where t.runner_id is null and r.ended_at is null
          and (dispatch_id.locked_by = any (r.pool_ids)
               or t.dispatch_id between errand.first_held(r.id) and errand.last_held(r.id))
        limit 1)
    ) holder on true`;

/**
 * The live runners: how many can execute it, how many slots they have, which have only an older
 * version, and how many are dedicated to other namespaces.
 */
const POOL = `
   cross join lateral (
      select count(*) as live,
             count(*) filter (where r.is_able) as able,
             coalesce(sum(r.concurrency) filter (where r.is_able), 0) as slots,
             coalesce(sum(least(r.in_flight, r.concurrency)) filter (where r.is_able), 0) as busy,
             count(*) filter (where r.is_named and not r.is_able) as older,
             count(*) filter (where not r.is_served) as elsewhere,
             coalesce(to_json((array_agg(json_build_object('id', r.id, 'host', r.host, 'pid', r.pid, 'version', r.known)
                                         order by r.id desc) filter (where r.is_named and not r.is_able))[1:$8]), '[]') as older_runners
        from (select one.*, named.*, named.is_named and coalesce(errand.version_key(named.known) >= errand.version_key(t.version), true) as is_able,
                     one.serves is null or exists (select from unnest(one.serves) as s (entry) where starts_with(t.name || '.', s.entry || '.')) as is_served
                from errand.runners one
               cross join lateral (select t.name = any (one.task_names) as is_named, one.task_versions ->> t.name as known) named
               where one.ended_at is null and one.heartbeat_at >= now() - make_interval(secs => one.lease_secs)) r
    ) pool`;

/** The tasks that run now. */
const BUSY = `
   cross join lateral (
      select coalesce(json_agg(json_build_object('name', by_name.name, 'count', by_name.count)
                               order by by_name.count desc, by_name.name), '[]') as busy_with
        from (select held.name, count(*) as count
                from (select r.name
                        from errand.tasks r
                       where t.is_due and r.state = 'running' and r.runner_id is not null and ${isSeen('r.name')}
                       limit $5) held
               group by held.name
               order by count(*) desc, held.name
               limit $8) by_name
    ) busy`;

/** How many tasks of its name come before it, up to a limit. */
const QUEUE = `
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
    ) queue`;

/** How many tasks of its name have finished recently: the rate at which its turn comes nearer. */
const FINISHED = `
   cross join lateral (
      select count(*) as finished_count, min(f.finished_at) as finished_since,
             avg(errand.duration_ms(f.finished_at - f.started_at))::float8 as finished_mean_ms
        from (select done.finished_at, done.started_at
                from errand.tasks done
               where t.is_due and done.name = t.name and done.finished_at > now() - make_interval(secs => $6)
               order by done.finished_at desc
               limit $7) f
    ) finished`;

/**
 * The limit that it waits for, by the primary key of its wait: how many wait before it, and who has
 * the slots. Where keys take turns, each other key has at most one turn for each turn of this one.
 */
const LIMIT = `
    left join lateral (
      select w.limit_name, w.key as limit_key,
             case when l.is_paused then coalesce(l.set_slots, l.declared_slots, 0) else coalesce(l.slots, 0) end as limit_slots,
             coalesce(l.is_paused and l.declared_slots is not null, false) as limit_is_paused,
             l.set_by as limit_set_by, l.set_at as limit_set_at, l.set_reason as limit_set_reason,
             l.period_ms as limit_period_ms, l.burst as limit_burst,
             k.call_at as limit_next_at, case when k.held_until > now() then k.held_until end as limit_held_until,
             case when l.period_ms is null
                  then (select count(*) from errand.limit_slots s where s.limit_name = w.limit_name and s.key = w.key)
                  else least(l.burst, l.slots) - errand.rate_room(w.limit_name, w.key, l.slots, l.period_ms, l.burst)
             end as limit_taken,
             before.waits * before.turns + before.earlier_turns as limit_ahead,
             (select coalesce(json_agg(holder), '[]')
                from (select h.id, h.name, h.step, h.state, s.taken_at as since, s.runner_id
                        from errand.limit_slots s
                        join errand.tasks taker on taker.id = s.task_id
                       -- If that one has ended, it has handed its slots on within its runner.
                       cross join lateral (
                         select taker.id, taker.name, taker.step, taker.state
                          where taker.finished_at is null
                         union all
                         (select other.id, other.name, other.step, other.state
                            from errand.tasks other
                           where taker.finished_at is not null
                             and other.state = 'running' and other.runner_id = s.runner_id and other.name = taker.name
                             and not exists (select from errand.limit_slots own where own.task_id = other.id)
                           order by other.id
                           limit 1)) h
                       where s.limit_name = w.limit_name and s.key = w.key and ${isSeen('h.name')}
                       order by s.taken_at
                       limit $8) holder) as limit_holders
        from errand.limit_waits w
        left join errand.limits l on l.name = w.limit_name
        left join errand.limit_keys k on k.limit_name = w.limit_name and k.key = w.key
       cross join lateral (
         select (select count(*)
                   from (select from errand.limit_waits o
                          where o.limit_name = w.limit_name and o.key = w.key and o.turn_key = w.turn_key
                            and (o.rank, o.place_at, o.task_id) < (w.rank, w.place_at, w.task_id)
                          limit $5 + 1) o) as waits,
                greatest(count(*), 1) as turns, count(*) filter (where turn.is_earlier) as earlier_turns
           from (select t.last_turn < own.last_turn as is_earlier
                   from errand.limit_turns own
                   join errand.limit_turns t on t.limit_name = own.limit_name
                  where w.key = '' and own.limit_name = w.limit_name and own.turn_key = w.turn_key
                  limit $5 + 1) turn) before
       where w.task_id = t.id and w.called_at is null
    ) lim on t.is_startable`;

/** Its children, or those of its workflow: their states, and some of them by name. */
const FAMILY = `
   cross join lateral (
      select count(*) filter (where m.state in ('succeeded', 'resolved')) as done,
             count(*) filter (where m.state in ('failed', 'cancelled', 'expired')) as failed,
             coalesce(json_agg(json_build_object('id', m.id, 'name', m.name, 'step', m.step, 'state', m.state,
                                                 'after', coalesce(m.after, '{}'), 'skipped', m.skipped,
                                                 'message', m.message) order by m.id)
                        filter (where m.is_seen and (m.step is not null or m.place <= $8)), '[]') as members
        from (
          select c.*, ${isSeen('c.name')} as is_seen,
                 row_number() over (order by c.state in ('failed', 'cancelled', 'expired') desc,
                                             c.state in ('succeeded', 'resolved'), c.id) as place
            from (select kin.id, kin.name, kin.step, kin.state, kin.after, kin.skipped,
                         left(kin.error ->> 'message', 500) as message
                    from errand.tasks kin
                   where kin.parent_id = t.family_id
                   order by kin.parent_id, kin.step
                   limit $5) c
        ) m
    ) family`;

/** The task, if the caller may see it, with the facts of each relation. */
export const FACTS = `
  with t as materialized (
    select t.id, t.name, t.version, t.state, t.priority, t.attempt, t.max_attempts,
           t.dispatch_id, t.run_at, t.expires_at, t.started_at, t.finished_at, t.runner_id, t.crashes, t.suspect, t.cancel_requested_at, t.progress,
           case when t.dismissed_at >= t.finished_at then t.dismissed_at end as dismissed_at, t.resubmitted_as,
           t.progress_note, t.error, t.timeout_ms as own_timeout_ms, t.parent_id, t.step, t.after, t.skipped, t.children, t.pending,
           t.state = any ($4) as is_startable,
           -- A due workflow starts with its steps.
           t.state = any ($4) and t.run_at <= now() and t.pending = 0 as is_due,
           -- The task whose children explain more: for a waiting step its workflow, otherwise the
           -- task itself.
           case when t.state = 'waiting' then t.parent_id when t.children > 0 then t.id end as family_id
      from errand.tasks t
     where t.id = $1 and ${isVisible('$2', '$3')}
  )
  select now() as now, t.*, pool.*, busy.*, queue.*, finished.*, family.*, lim.*,
         parent.id as parent_id, parent.name as parent_name, parent.state as parent_state,
         coalesce((select json_agg(json_build_object('target', p.target, 'paused_at', p.paused_at,
                                                     'actor', p.actor, 'reason', p.reason) order by p.target)
                     from errand.pauses p
                    where ${isHeldBy('t.name', 'p.target')}), '[]') as pauses,
         failure.attempt as failed_attempt, failure.outcome as failed_outcome, failure.error as failed_error,
         act.actor as act_actor, act.at as act_at, act.reason as act_reason,
         dispatch_id.key is not null or errand.is_held(t.dispatch_id) as has_dispatch,
         dispatch_id.locked_at is not null or errand.is_held(t.dispatch_id) as is_locked,
         holder.id as holder_id, holder.host as holder_host, holder.pid as holder_pid,
         holder.heartbeat_at + make_interval(secs => holder.lease_secs) as holder_lease_until,
         holder.ended_at is not null as holder_has_ended,
         case when holder.ended_at is null then holder.blocked_since end as holder_blocked_since,
         case when ${isSeen('blocker.name')} then blocker.id end as holder_blocked_by,
         coalesce(t.own_timeout_ms, (definition.policy ->> 'timeoutMs')::float8) as timeout_ms
    from t
    left join errand.definitions definition on definition.name = t.name
    left join errand.tasks parent on parent.id = t.parent_id and ${isSeen('parent.name')}${FAILURE}${ACT}${DISPATCH}${HOLDER}${LIMIT}
    left join errand.tasks blocker on blocker.id = holder.blocked_by${POOL}${BUSY}${QUEUE}${FINISHED}${FAMILY}`;
