-- Submits many tasks in one round trip (S3, S4): inserts each or finds its duplicate, and
-- dispatches the due ones. It is in the database because HTTP, the SQL function for applications
-- and later steps all use it.
--
-- `items` is an array of objects with the columns of `parsed` below. `dispatch_id` is a new UUID,
-- which items of one name, priority and due time may share. The item of a workflow has `steps`,
-- from which the step rows are made (W2). The item of a child has `parent_id`. Gives one row per
-- item, in order. An item with `limit_keys`, [[name of the limit, key], …], whose keys are full waits for a slot;
-- after the commit its submitter calls errand.call_submitted. `outcome` is
--
-- - created: a new task
-- - duplicate: the existing task. A live one may now make one more attempt (S6), once per call, and
--   at most ten more in total
-- - rearmed: the duplicate had failed, expired or was cancelled, and is queued again
-- - conflict: the Idempotency-Key was used with another payload (S7). There is no task then
-- - debounced: the task of an earlier submission that still waits. It has the payload of this one now,
--   and is due later (Q4). Of several in one call the last one wins
-- - throttled: the task of an earlier submission, in any state. Nothing has changed (Q4)
--
-- A debounced item has `debounce_ms` and `debounce_max_ms`, and a dispatch that it shares with no other.
-- A crash before the commit has changed nothing. After it, the task has the new payload and the new
-- dispatch, and the old dispatch is removed or finds nothing due.
--
-- An item also has the rights of its submitter. With may_operate it re-arms a task that an operator
-- has ended; otherwise the `outcome` is `duplicate`, and the task stays. With may_read its
-- callback_url may be notified of the end of another submitter's task. A missing right is not
-- granted. The changes that a duplicate makes are in the audit trail.
create or replace function errand.submit_tasks(items jsonb)
  returns table (ordinal bigint, outcome text, task errand.tasks)
  language plpgsql
as $$
#variable_conflict use_column
declare
  judged_at  timestamptz;
begin
  -- A key whose window is over no longer makes a duplicate (S6). Uses tasks_dedup_until_idx.
  update errand.tasks t
     set dedup_hash = null,
         dedup_until = null
    from jsonb_to_recordset(items) as i (name text, dedup text, dedup_key text, payload jsonb)
   where t.dedup_hash = errand.dedup_hash(i.name, i.dedup, i.dedup_key, i.payload)
     and t.dedup_until <= now();
  judged_at := errand.free_debounced(items);

  return query
  with parsed as materialized (
    select i.*,
           errand.uuidv7() as id,
           errand.dedup_hash(i.name, i.dedup, i.dedup_key, i.payload) as dedup_hash,
           -- A burst ends by the clock: this transaction may have waited for another of its submissions.
           case when i.dedup = 'debounce' then clock_timestamp() + make_interval(secs => i.debounce_ms / 1000)
                else coalesce(i.due_at, now() + make_interval(secs => coalesce(i.delay_ms, 0) / 1000)) end as run_at,
           case when i.dedup = 'debounce' then clock_timestamp() + make_interval(secs => i.debounce_max_ms / 1000) end as debounce_until
      from rows from (jsonb_to_recordset(items) as (
             name text, version text, payload jsonb, priority smallint, max_attempts integer, dispatch_id uuid,
             due_at timestamptz, delay_ms float8, dedup text, dedup_key text, dedup_window_ms float8,
             tags text[], initiator text, source_system text, reason text, request_id text, traceparent text,
             parent_id uuid, steps jsonb, callback_url text, callback_of uuid, submitted_by text,
             may_read boolean, may_operate boolean, schedule_id text, scheduled_for timestamptz,
             debounce_ms float8, debounce_max_ms float8,
             expires_in_ms float8, concurrency_key text, timeout_ms integer, limit_keys jsonb
           )) with ordinality as i (
             name, version, payload, priority, max_attempts, dispatch_id,
             due_at, delay_ms, dedup, dedup_key, dedup_window_ms,
             tags, initiator, source_system, reason, request_id, traceparent,
             parent_id, steps, callback_url, callback_of, submitted_by,
             may_read, may_operate, schedule_id, scheduled_for, debounce_ms, debounce_max_ms,
             expires_in_ms, concurrency_key, timeout_ms, limit_keys, ordinal
           )
  ),
  -- The first of several duplicates in this call counts; of debounced ones the last.
  given as materialized (
    select p.*,
           coalesce(p.dedup_hash, uuid_send(p.id)) as identity,
           p.dedup_hash is null
             or row_number() over (partition by p.dedup_hash order by p.place) = 1 as is_first,
           case when p.dedup = 'debounce' then count(*) over (partition by p.dedup_hash) - 1 end as debounced
      from (select *, case when dedup = 'debounce' then -ordinal else ordinal end as place from parsed) p
  ),
  -- The callback_url of the first of several duplicates in this call that has one; those in
  -- conflict do not count. A callback contains the result, so only a submitter that may read the
  -- task can have it called.
  callbacks as materialized (
    select distinct on (g.identity) g.identity, g.callback_url, g.may_read
      from given g
      join given f on f.identity = g.identity and f.is_first
     where g.callback_url is not null and not (g.dedup = 'idempotency_key' and g.payload <> f.payload)
       and (g.is_first or g.may_read or g.submitted_by is not distinct from f.submitted_by)
     order by g.identity, g.place
  ),
  -- The rights of a duplicate, by its hash: `excluded` has only stored columns.
  rights as materialized (
    select coalesce(jsonb_object_agg(encode(g.dedup_hash, 'hex'), true) filter (where g.may_operate), '{}') as operators,
           coalesce(jsonb_object_agg(encode(g.dedup_hash, 'hex'), true) filter (where c.may_read), '{}') as readers
      from given g
      left join callbacks c using (identity)
     where g.is_first and g.dedup_hash is not null
  ),
  -- The first steps of a workflow are due with it. Workflows that share a dispatch share those of
  -- their steps.
  planned as materialized (
    select g.identity, g.dispatch_id as dispatch_of_workflow, s.*,
           case when s.step = 'on_failure' then 1 else coalesce(cardinality(s.after), 0) end as pending
      from given g
     cross join lateral jsonb_to_recordset(g.steps) as s (
             step text, name text, after text[], priority smallint, max_attempts integer, callback_url text)
     where g.is_first and g.steps is not null
  ),
  first_dispatches as materialized (
    select dispatch_of_workflow, step, gen_random_uuid() as dispatch_id
      from (select distinct dispatch_of_workflow, step from planned where pending = 0) first
  ),
  -- New tasks that wait for a slot from the start: due ones whose keys are known, and full. They get no dispatch.
  parked as materialized (
    select f.*
      from errand.full_limits((
             select jsonb_agg(jsonb_build_array(g.id, g.limit_keys) order by g.ordinal)
               from given g
              where g.limit_keys is not null and g.is_first and g.steps is null and g.run_at <= now())) f
  ),
  written as (
    insert into errand.tasks as t (
             id, name, version, state, priority, max_attempts, dispatch_id, run_at, started_at, payload,
             dedup, dedup_key, dedup_hash, dedup_until,
             tags, initiator, source_system, reason, request_id, traceparent, parent_id, children, pending,
             callback_url, callback_of, submitted_by, schedule_id, scheduled_for, debounced, debounce_until,
             expires_at, concurrency_key, timeout_ms)
    select g.id, g.name, g.version,
           case when g.run_at > now() then 'scheduled' when p.steps is null then 'queued' else 'running' end,
           g.priority, g.max_attempts,
           case when p.steps is not null then null when parked.task_id is not null then gen_random_uuid() else g.dispatch_id end,
           g.run_at,
           case when p.steps is not null and g.run_at <= now() then now() end, g.payload,
           g.dedup, g.dedup_key, g.dedup_hash,
           case when g.dedup is not null then now() + make_interval(secs => g.dedup_window_ms / 1000) end,
           coalesce(g.tags, '{}'), g.initiator, g.source_system, g.reason, g.request_id, g.traceparent,
           g.parent_id, p.steps, coalesce(p.first, 0), c.callback_url, g.callback_of, g.submitted_by,
           g.schedule_id, g.scheduled_for, g.debounced, g.debounce_until,
           errand.expiry_time(g.run_at, g.expires_in_ms), g.concurrency_key, g.timeout_ms
      from given g
      left join (
             select identity, count(*) as steps, count(*) filter (where pending = 0) as first
               from planned
              group by identity
           ) p using (identity)
      left join callbacks c using (identity)
      left join parked on parked.task_id = g.id
     where g.is_first
     -- The same order for all submitters, so that two batches with the same keys wait and never
     -- deadlock.
     order by g.dedup_hash
    on conflict (dedup_hash) where dedup_hash is not null do update
       set -- A suspect stays one, and has its crashes to come.
           (state, attempt, max_attempts, dispatch_id, run_at, priority, version, payload, dedup_until, crashes, pending,
            started_at, finished_at, runner_id, error, cancel_requested_at, progress, progress_note, expires_at,
            concurrency_key, timeout_ms) = (
             select case when excluded.run_at > now() then 'scheduled' when again.pending > 0 then 'running' else 'queued' end,
                    errand.next_attempt(t.attempt, t.started_at),
                    greatest(t.max_attempts, t.attempt + 1),
                    case when again.pending = 0 then coalesce(excluded.dispatch_id, gen_random_uuid()) end,
                    excluded.run_at, excluded.priority, excluded.version, excluded.payload,
                    excluded.dedup_until, least(t.crashes, 1::smallint), again.pending,
                    case when again.pending > 0 and excluded.run_at <= now() then now() end,
                    null::timestamptz, null::integer, null::jsonb, null::timestamptz, null::real, null, excluded.expires_at,
                    excluded.concurrency_key, excluded.timeout_ms
               from (select case
                              when excluded.dedup in ('debounce', 'throttle') then null
                              when not errand.is_rearmable(t.id, errand.state_now(t.state, t.expires_at), t.children, r.operators ? encode(t.dedup_hash, 'hex')) then null
                              when t.children > 0 then errand.rearm_children(t.id, excluded.payload, excluded.run_at)
                              else 0
                            end as pending
                       from rights r) again
              where again.pending is not null
             union all
             select t.state, t.attempt,
                    case when excluded.dedup <> 'throttle'
                              and errand.state_now(t.state, t.expires_at) not in ('failed', 'cancelled', 'succeeded', 'resolved', 'expired') and t.added_attempts < 10
                         then least(t.max_attempts + 1, 1000) else t.max_attempts end,
                    t.dispatch_id, t.run_at, t.priority, t.version, t.payload,
                    t.dedup_until, t.crashes, t.pending,
                    t.started_at, t.finished_at, t.runner_id, t.error, t.cancel_requested_at, t.progress, t.progress_note,
                    t.expires_at, t.concurrency_key, t.timeout_ms
               from rights r
              where excluded.dedup = 'throttle'
                 or excluded.dedup <> 'debounce'
                    and not errand.is_rearmable(t.id, errand.state_now(t.state, t.expires_at), t.children, r.operators ? encode(t.dedup_hash, 'hex'))
             union all
             select t.state, t.attempt, greatest(excluded.max_attempts, t.attempt),
                    case when t.children is null then excluded.dispatch_id end,
                    least(excluded.run_at, t.debounce_until), excluded.priority, excluded.version, excluded.payload,
                    t.dedup_until, t.crashes, t.pending,
                    t.started_at, t.finished_at, t.runner_id, t.error, t.cancel_requested_at, t.progress, t.progress_note,
                    excluded.expires_at + (least(excluded.run_at, t.debounce_until) - excluded.run_at), excluded.concurrency_key, excluded.timeout_ms
              where excluded.dedup = 'debounce'
           ),
           -- A debounced task is that of its last submission in everything.
           (tags, initiator, source_system, reason, request_id, traceparent, submitted_by, debounced) = (
             select excluded.tags, excluded.initiator, excluded.source_system, excluded.reason, excluded.request_id,
                    excluded.traceparent, excluded.submitted_by, t.debounced + excluded.debounced + 1
              where excluded.dedup = 'debounce'
             union all
             select t.tags, t.initiator, t.source_system, t.reason, t.request_id,
                    t.traceparent, t.submitted_by, t.debounced
              where excluded.dedup <> 'debounce'
           ),
           before_duplicate = array[errand.state_now(t.state, t.expires_at), t.max_attempts::text, t.callback_url, t.dispatch_id::text],
           added_attempts = case
             when excluded.dedup in ('debounce', 'throttle') then t.added_attempts
             when errand.state_now(t.state, t.expires_at) not in ('failed', 'cancelled', 'succeeded', 'resolved', 'expired') and t.added_attempts < 10 then t.added_attempts + 1
             else t.added_attempts
           end,
           callback_url = (
             select case
                      when excluded.dedup = 'throttle' then t.callback_url
                      -- A callback has the result, so that of another submitter is not kept.
                      when excluded.dedup = 'debounce'
                        then coalesce(excluded.callback_url, case when t.submitted_by is not distinct from excluded.submitted_by then t.callback_url end)
                      -- The end of a success is already reported, or was not asked for.
                      when t.state in ('succeeded', 'resolved') then t.callback_url
                      when not (r.readers ? encode(t.dedup_hash, 'hex') or t.submitted_by is not distinct from excluded.submitted_by)
                        then t.callback_url
                      when errand.is_rearmable(t.id, errand.state_now(t.state, t.expires_at), t.children, r.operators ? encode(t.dedup_hash, 'hex'))
                        then coalesce(excluded.callback_url, t.callback_url)
                      -- The end by an operator is not reported, unless the task continues.
                      when t.state in ('failed', 'cancelled', 'expired') then t.callback_url
                      else coalesce(t.callback_url, excluded.callback_url)
                    end
               from rights r)
     where not (excluded.dedup = 'idempotency_key' and t.payload <> excluded.payload)
       -- Another transaction has submitted it after errand.free_debounced has looked.
       and (excluded.dedup <> 'debounce' or errand.is_movable(t, excluded.version, judged_at))
    returning coalesce(t.dedup_hash, uuid_send(t.id)) as identity,
              t.before_duplicate is null as is_created,
              coalesce(t.before_duplicate[1] in ('failed', 'cancelled', 'expired') and t.state <> t.before_duplicate[1], false) as is_rearmed,
              t.before_duplicate is not null and t.dedup = 'debounce' as is_moved,
              t.before_duplicate[4]::uuid as had_dispatch,
              t.before_duplicate[1] as was,
              t.before_duplicate[2]::integer as had_attempts,
              t.before_duplicate[3] as had_callback,
              t as task
  ),
  -- The changes that a duplicate makes to a task, and its submitter: at most ten times for a live
  -- task, and each time that it is re-armed.
  audited as (
    insert into errand.audit (actor, action, task_id, namespace, target, reason, request_id, details)
    select coalesce(g.submitted_by, 'unknown'), 'resubmit', (w.task).id, split_part((w.task).name, '.', 1), (w.task).name,
           g.reason, g.request_id,
           jsonb_build_object('state', w.was)
             || case when (w.task).max_attempts <> w.had_attempts
                     then jsonb_build_object('max_attempts', jsonb_build_array(w.had_attempts, (w.task).max_attempts)) else '{}' end
             || case when (w.task).callback_url is distinct from w.had_callback
                     then jsonb_build_object('callback_url', (w.task).callback_url) else '{}' end
      from written w
      join given g using (identity)
     where g.is_first and not w.is_created and not w.is_moved
       and (w.is_rearmed
            or (w.task).max_attempts <> w.had_attempts
            or (w.task).callback_url is distinct from w.had_callback)
  ),
  steps as (
    insert into errand.tasks (
             name, version, state, priority, max_attempts, dispatch_id, run_at, payload,
             initiator, source_system, request_id, traceparent, parent_id, step, after, pending, callback_url, submitted_by,
             scheduled_for, dedup)
    select p.name, (w.task).version,
           case when p.pending > 0 then 'waiting' when (w.task).run_at > now() then 'scheduled' else 'queued' end,
           coalesce(p.priority, (w.task).priority), p.max_attempts, f.dispatch_id, (w.task).run_at, (w.task).payload,
           (w.task).initiator, (w.task).source_system, (w.task).request_id, (w.task).traceparent,
           (w.task).id, p.step, p.after, p.pending, p.callback_url, 'task:' || (w.task).id,
           (w.task).scheduled_for,
           -- A runner writes the start of such a step before it runs: until then the workflow can be moved.
           case when p.pending = 0 and (w.task).dedup = 'debounce' then 'debounce' end
      from written w
      join planned p using (identity)
      left join first_dispatches f on p.pending = 0 and (f.dispatch_of_workflow, f.step) = (p.dispatch_of_workflow, p.step)
     where w.is_created
    returning id, name, priority, dispatch_id, run_at
  ),
  waits as (
    insert into errand.limit_waits (task_id, limit_name, key, turn_key, name, version, priority, rank, run_at, place_at, dispatch_id)
    select (w.task).id, p.limit_name, p.key, p.turn_key, (w.task).name, (w.task).version, (w.task).priority, place.rank,
           (w.task).run_at, place.place_at, (w.task).dispatch_id
      from parked p
      join written w on w.is_created and (w.task).id = p.task_id
     cross join lateral errand.limit_place((w.task).name, (w.task).priority, (w.task).run_at) place
  ),
  due as (
    select (w.task).id, (w.task).name, (w.task).priority, (w.task).dispatch_id, (w.task).run_at
      from written w
     where w.is_created and not exists (select from parked p where p.task_id = (w.task).id) or w.is_rearmed or w.is_moved
     union all
    select s.id, s.name, s.priority, s.dispatch_id, s.run_at from steps s
  ),
  dispatched as (
    select errand.add_dispatches(array_agg(id), array_agg(name), array_agg(priority), array_agg(dispatch_id), array_agg(run_at))
      from due
  ),
  removed as (
    select errand.remove_dispatches(array_agg(w.had_dispatch)) from written w where w.is_moved having count(*) > 0
  ),
  moved as (
    select errand.move_steps((w.task).id, (w.task).payload, (w.task).run_at)
      from written w
     where w.is_moved and (w.task).children > 0
  )
  select g.ordinal,
         case
           when w.identity is null and g.dedup <> 'debounce' then 'conflict'
           -- Two at once with one key: the first one gets it, and another payload is refused here
           -- too.
           when g.dedup = 'idempotency_key' and (w.task).payload <> g.payload then 'conflict'
           when g.dedup = 'debounce' and w.identity is null then errand.repeat_later()
           when g.is_first and w.is_created then 'created'
           when g.is_first and w.is_rearmed then 'rearmed'
           when g.dedup = 'debounce' then 'debounced'
           when g.dedup = 'throttle' then 'throttled'
           else 'duplicate'
         end,
         w.task
    from given g
    left join written w using (identity)
   where (select count(*) from dispatched) + (select count(*) from removed) + (select count(*) from moved) >= 0 -- makes Postgres run them
   order by g.ordinal;
end;
$$;
