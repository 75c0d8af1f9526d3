-- Submission, in the database because HTTP, the SQL function of applications and later steps all go through it.

-- What makes two submissions the same (S5): the SHA-256 of the task's name and its key or canonical payload.
-- The text of a jsonb value is canonical: keys sorted, duplicate keys gone, no spaces of the caller's.
create function errand.dedup_hash(name text, dedup text, dedup_key text, payload jsonb) returns bytea
  language sql immutable parallel safe
return case
  when dedup is null then null
  when dedup = 'payload' then sha256(convert_to(name || e'\n' || payload::text, 'UTF8'))
  -- A name has no line break and a payload starts with a brace, so a key can't pass for a payload.
  else sha256(convert_to(name || e'\nkey\n' || dedup_key, 'UTF8'))
end;

-- The graphile-worker job that announces attempts: a ring of one name, priority and due time, with the ids of
-- its tasks as the payload. Its key is a fresh UUID, never added twice: keyed add_job under contention can
-- return an all-NULL row and that work never runs (graphile/worker#580). A mere fetch counts as an attempt
-- there, hence the 32767.
create function errand.ring_spec(ring uuid, name text, priority smallint, run_at timestamptz, task_ids uuid[])
  returns graphile_worker.job_spec
  language sql stable parallel safe
return (name, to_json(task_ids), null, run_at, 32767, ring::text, priority, null)::graphile_worker.job_spec;

-- Submits many tasks in one round trip (S3, S4): inserts each or meets its duplicate, and rings what is due.
--
-- `items` is an array of objects with the columns of `parsed` below; `ring` is a fresh UUID that items of one
-- name, priority and due time may share. Gives one row per item, in order; `outcome` is
--   created    a new task
--   duplicate  the task that is already there; a live one may now make one attempt more (S6), also when several
--              duplicates of it come in one call
--   rearmed    the duplicate had failed or was cancelled, and is queued again
--   conflict   the Idempotency-Key was used with another payload (S7); there is no task then
create function errand.submit_tasks(items jsonb)
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
             tags text[], initiator text, source_system text, reason text, request_id text, traceparent text
           )) with ordinality as i (
             name, version, payload, priority, max_attempts, ring,
             due_at, delay_ms, dedup, dedup_key, dedup_window_ms,
             tags, initiator, source_system, reason, request_id, traceparent, ordinal
           )
  ),
  given as materialized (
    select p.*,
           coalesce(p.dedup_hash, uuid_send(p.id)) as identity,
           p.dedup_hash is null
             or row_number() over (partition by p.dedup_hash order by p.ordinal) = 1 as is_first
      from parsed p
  ),
  written as (
    insert into errand.tasks as t (
             id, name, version, state, priority, max_attempts, ring, run_at, payload,
             dedup, dedup_key, dedup_hash, dedup_until,
             tags, initiator, source_system, reason, request_id, traceparent)
    select g.id, g.name, g.version,
           case when g.run_at > now() then 'scheduled' else 'queued' end,
           g.priority, g.max_attempts, g.ring, g.run_at, g.payload,
           g.dedup, g.dedup_key, g.dedup_hash,
           case when g.dedup is not null then now() + make_interval(secs => g.dedup_window_ms / 1000) end,
           coalesce(g.tags, '{}'), g.initiator, g.source_system, g.reason, g.request_id, g.traceparent
      from given g
     where g.is_first
     -- One order for all submitters, so that two batches with the same keys wait and never deadlock.
     order by g.dedup_hash
    on conflict (dedup_hash) where dedup_hash is not null do update
       set max_attempts = case
             when t.state in ('failed', 'cancelled') then greatest(t.max_attempts, t.attempt + 1)
             when t.state in ('succeeded', 'resolved') then t.max_attempts
             else least(t.max_attempts + 1, 1000)
           end,
           -- A suspect stays one, and has its crashes to come.
           (state, attempt, ring, run_at, priority, version, payload, dedup_until, crashes,
            started_at, finished_at, runner_id, error, cancel_requested_at, progress, progress_note) = (
             select excluded.state,
                    case when t.started_at is null then t.attempt else t.attempt + 1 end,
                    excluded.ring, excluded.run_at, excluded.priority, excluded.version, excluded.payload,
                    excluded.dedup_until, least(t.crashes, 1::smallint),
                    null::timestamptz, null::timestamptz, null::integer, null::jsonb, null::timestamptz, null::real, null
              where t.state in ('failed', 'cancelled')
             union all
             select t.state, t.attempt, t.ring, t.run_at, t.priority, t.version, t.payload,
                    t.dedup_until, t.crashes,
                    t.started_at, t.finished_at, t.runner_id, t.error, t.cancel_requested_at, t.progress, t.progress_note
              where t.state not in ('failed', 'cancelled')
           )
     where not (excluded.dedup = 'idempotency_key' and t.payload <> excluded.payload)
    returning coalesce(new.dedup_hash, uuid_send(new.id)) as identity,
              old.id is null as is_created,
              coalesce(old.state in ('failed', 'cancelled'), false) as is_rearmed,
              new as task
  ),
  rings as (
    select errand.ring_spec((w.task).ring, (w.task).name, (w.task).priority, (w.task).run_at,
                            array_agg((w.task).id order by (w.task).id)) as spec
      from written w
     where w.is_created or w.is_rearmed
     group by (w.task).ring, (w.task).name, (w.task).priority, (w.task).run_at
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
