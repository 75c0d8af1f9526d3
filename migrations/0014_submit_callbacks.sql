-- Submission with callbacks: the function of before, which now also takes callback_url and callback_of.

-- Submits many tasks in one round trip (S3, S4), as migration 0011 has it.
--
-- The callback of a submission that meets its duplicate: one that is armed again is told where the new one wants it, or else
-- the old one; one that is live keeps its own, unless it has none.
create or replace function errand.submit_tasks(items jsonb)
  returns table (ordinal bigint, outcome text, task errand.tasks)
  language plpgsql
as $$
#variable_conflict use_column
begin
  -- A key whose window is over no longer makes a duplicate (S6). Relies on tasks_dedup_until_idx.
  update errand.tasks t
     set dedup_hash = null,
         dedup_until = null
    from jsonb_to_recordset(items) as i (name text, dedup text, dedup_key text, payload jsonb)
   where t.dedup_hash = errand.dedup_hash(i.name, i.dedup, i.dedup_key, i.payload)
     and t.dedup_until <= now();

  return query
  with parsed as materialized (
    select i.*,
           uuidv7() as id,
           errand.dedup_hash(i.name, i.dedup, i.dedup_key, i.payload) as dedup_hash,
           coalesce(i.due_at, now() + make_interval(secs => coalesce(i.delay_ms, 0) / 1000)) as run_at
      from rows from (jsonb_to_recordset(items) as (
             name text, version text, payload jsonb, priority smallint, max_attempts integer, ring uuid,
             due_at timestamptz, delay_ms float8, dedup text, dedup_key text, dedup_window_ms float8,
             tags text[], initiator text, source_system text, reason text, request_id text, traceparent text,
             parent_id uuid, steps jsonb, callback_url text, callback_of uuid
           )) with ordinality as i (
             name, version, payload, priority, max_attempts, ring,
             due_at, delay_ms, dedup, dedup_key, dedup_window_ms,
             tags, initiator, source_system, reason, request_id, traceparent,
             parent_id, steps, callback_url, callback_of, ordinal
           )
  ),
  given as materialized (
    select p.*,
           coalesce(p.dedup_hash, uuid_send(p.id)) as identity,
           p.dedup_hash is null
             or row_number() over (partition by p.dedup_hash order by p.ordinal) = 1 as is_first
      from parsed p
  ),
  -- Where the first of several duplicates in this call that says so wants it to be told; of a conflict nothing counts.
  callbacks as materialized (
    select distinct on (g.identity) g.identity, g.callback_url
      from given g
      join given f on f.identity = g.identity and f.is_first
     where g.callback_url is not null and not (g.dedup = 'idempotency_key' and g.payload <> f.payload)
     order by g.identity, g.ordinal
  ),
  -- What a workflow begins with is due with it; tasks that share a ring share those of their steps.
  planned as materialized (
    select g.identity, g.ring as ring_of_workflow, s.*,
           case when s.step = 'on_failure' then 1 else coalesce(cardinality(s.after), 0) end as pending
      from given g
     cross join lateral jsonb_to_recordset(g.steps) as s (
             step text, name text, after text[], priority smallint, max_attempts integer, callback_url text)
     where g.is_first and g.steps is not null
  ),
  first_rings as materialized (
    select ring_of_workflow, step, gen_random_uuid() as ring
      from (select distinct ring_of_workflow, step from planned where pending = 0) first
  ),
  written as (
    insert into errand.tasks as t (
             id, name, version, state, priority, max_attempts, ring, run_at, started_at, payload,
             dedup, dedup_key, dedup_hash, dedup_until,
             tags, initiator, source_system, reason, request_id, traceparent, parent_id, children, pending,
             callback_url, callback_of)
    select g.id, g.name, g.version,
           case when g.run_at > now() then 'scheduled' when p.steps is null then 'queued' else 'running' end,
           g.priority, g.max_attempts, case when p.steps is null then g.ring end, g.run_at,
           case when p.steps is not null and g.run_at <= now() then now() end, g.payload,
           g.dedup, g.dedup_key, g.dedup_hash,
           case when g.dedup is not null then now() + make_interval(secs => g.dedup_window_ms / 1000) end,
           coalesce(g.tags, '{}'), g.initiator, g.source_system, g.reason, g.request_id, g.traceparent,
           g.parent_id, p.steps, coalesce(p.first, 0), c.callback_url, g.callback_of
      from given g
      left join (
             select identity, count(*) as steps, count(*) filter (where pending = 0) as first
               from planned
              group by identity
           ) p using (identity)
      left join callbacks c using (identity)
     where g.is_first
     -- One order for all submitters, so that two batches with the same keys wait and never deadlock.
     order by g.dedup_hash
    on conflict (dedup_hash) where dedup_hash is not null do update
       set max_attempts = case
             when t.state in ('failed', 'cancelled') then greatest(t.max_attempts, t.attempt + 1)
             when t.state in ('succeeded', 'resolved') then t.max_attempts
             else least(t.max_attempts + 1, 1000)
           end,
           -- What has succeeded has been told already, or nobody had asked for it.
           callback_url = case
             when t.state in ('failed', 'cancelled') then coalesce(excluded.callback_url, t.callback_url)
             when t.state in ('succeeded', 'resolved') then t.callback_url
             else coalesce(t.callback_url, excluded.callback_url)
           end,
           -- A suspect stays one, and has its crashes to come.
           (state, attempt, ring, run_at, priority, version, payload, dedup_until, crashes, pending,
            started_at, finished_at, runner_id, error, cancel_requested_at, progress, progress_note) = (
             select case when excluded.run_at > now() then 'scheduled' when again.pending > 0 then 'running' else 'queued' end,
                    case when t.started_at is null then t.attempt else t.attempt + 1 end,
                    case when again.pending = 0 then coalesce(excluded.ring, gen_random_uuid()) end,
                    excluded.run_at, excluded.priority, excluded.version, excluded.payload,
                    excluded.dedup_until, least(t.crashes, 1::smallint), again.pending,
                    case when again.pending > 0 and excluded.run_at <= now() then now() end,
                    null::timestamptz, null::integer, null::jsonb, null::timestamptz, null::real, null
               from (select case when t.children > 0 then errand.rearm_children(t.id, excluded.payload, excluded.run_at)
                                 else 0 end as pending) again
              where t.state in ('failed', 'cancelled')
             union all
             select t.state, t.attempt, t.ring, t.run_at, t.priority, t.version, t.payload,
                    t.dedup_until, t.crashes, t.pending,
                    t.started_at, t.finished_at, t.runner_id, t.error, t.cancel_requested_at, t.progress, t.progress_note
              where t.state not in ('failed', 'cancelled')
           )
     where not (excluded.dedup = 'idempotency_key' and t.payload <> excluded.payload)
    returning coalesce(new.dedup_hash, uuid_send(new.id)) as identity,
              old.id is null as is_created,
              coalesce(old.state in ('failed', 'cancelled'), false) as is_rearmed,
              new as task
  ),
  steps as (
    insert into errand.tasks (
             name, version, state, priority, max_attempts, ring, run_at, payload,
             initiator, source_system, request_id, traceparent, parent_id, step, after, pending, callback_url)
    select p.name, (w.task).version,
           case when p.pending > 0 then 'waiting' when (w.task).run_at > now() then 'scheduled' else 'queued' end,
           coalesce(p.priority, (w.task).priority), p.max_attempts, f.ring, (w.task).run_at, (w.task).payload,
           (w.task).initiator, (w.task).source_system, (w.task).request_id, (w.task).traceparent,
           (w.task).id, p.step, p.after, p.pending, p.callback_url
      from written w
      join planned p using (identity)
      left join first_rings f on p.pending = 0 and (f.ring_of_workflow, f.step) = (p.ring_of_workflow, p.step)
     where w.is_created
    returning id, name, priority, ring, run_at
  ),
  due as (
    select (w.task).id, (w.task).name, (w.task).priority, (w.task).ring, (w.task).run_at
      from written w
     where w.is_created or w.is_rearmed
     union all
    select s.id, s.name, s.priority, s.ring, s.run_at from steps s
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array_agg(id order by id)) as spec
      from due
     where ring is not null
     group by ring, name, priority, run_at
  ),
  rung as (
    select graphile_worker.add_jobs(array_agg(spec)) from rings having count(*) > 0
  )
  select g.ordinal,
         case
           when w.identity is null then 'conflict'
           -- Two at once with one key: the first has it, and also here another payload is refused.
           when g.dedup = 'idempotency_key' and (w.task).payload <> g.payload then 'conflict'
           when g.is_first and w.is_created then 'created'
           when g.is_first and w.is_rearmed then 'rearmed'
           else 'duplicate'
         end,
         w.task
    from given g
    left join written w using (identity)
   where (select count(*) from rung) >= 0 -- makes Postgres run it
   order by g.ordinal;
end;
$$;
