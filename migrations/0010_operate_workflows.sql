-- What operators do to workflows: cancel, retry, resolve.

-- How many of the steps that a step comes after are not done. A step that waits for a failure is due when it has been.
-- Volatile, so that it sees what was committed while its caller waited for locks.
create function errand.count_before(task uuid) returns integer
  language sql volatile
as $$
  select case when t.step = 'on_failure' then (t.started_at is null)::integer
              else (select count(*)::integer
                      from errand.tasks before
                     where before.parent_id = t.parent_id and before.step = any (t.after)
                       and before.state not in ('succeeded', 'resolved'))
         end
    from errand.tasks t
   where t.id = task
$$;

-- Cancels what is left to cancel below these tasks, and gives the ids.
create function errand.cancel_children(parents uuid[]) returns uuid[]
  language plpgsql
as $$
declare
  next       uuid[] := parents;
  cancelled  uuid[] := '{}';
begin
  while cardinality(next) > 0 loop
    with t as (
      update errand.tasks t
         set cancel_requested_at = now(),
             pending = 0,
             (state, ring, finished_at) = (
               select 'running', t.ring, null::timestamptz where t.state = 'running' and t.ring is not null
               union all
               select 'cancelled', null::uuid, now() where t.state <> 'running' or t.ring is null
             )
       where t.parent_id = any (next) and t.cancel_requested_at is null
         and t.state in ('scheduled', 'waiting', 'queued', 'running', 'retrying')
      returning t.id, t.attempt, t.started_at, t.finished_at
    ),
    ended as (
      insert into errand.attempts (task_id, attempt, outcome, started_at, finished_at)
      select id, attempt, 'cancelled', started_at, finished_at
        from t
       where finished_at is not null and started_at is not null
    )
    select coalesce(array_agg(id), '{}') into next from t;
    cancelled := cancelled || next;
  end loop;
  return cancelled;
end;
$$;

-- Has the step for failures of these workflows wait for the next one, when it has ended in one of these states. A success
-- is final: what was done about a failure stays, by another name, and the next failure gets its own.
create function errand.renew_failure_steps(parents uuid[], ended text[]) returns void
  language sql volatile
as $$
  update errand.tasks t
     set state = 'waiting',
         pending = 1,
         attempt = case when t.started_at is null then t.attempt else t.attempt + 1 end,
         max_attempts = greatest(t.max_attempts, case when t.started_at is null then t.attempt else t.attempt + 1 end),
         started_at = null,
         finished_at = null,
         runner_id = null,
         error = null,
         crashes = least(t.crashes, 1::smallint)
   where t.parent_id = any (parents) and t.step = 'on_failure' and t.state = 'failed' and 'failed' = any (ended);

  with done as (
    update errand.tasks t
       set step = t.step || '-' || (
             select count(*) + 1
               from errand.tasks d
              where d.parent_id = t.parent_id and d.step like 'on\_failure-%')
     where t.parent_id = any (parents) and t.step = 'on_failure' and t.state in ('succeeded', 'resolved') and t.state = any (ended)
    returning t.*
  )
  insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload,
                            initiator, source_system, request_id, traceparent, parent_id, step, after, pending)
  select name, version, 'waiting', priority, max_attempts, now(), payload,
         initiator, source_system, request_id, traceparent, parent_id, 'on_failure', after, 1
    from done;
$$;

-- Counts up the parents of children that are due again, one for each in the list, and has those that had failed wait for
-- them; these then count for their own parents again, and so on upwards. Their step that waits for a failure waits again.
create function errand.revive(parents uuid[]) returns void
  language plpgsql
as $$
declare
  next uuid[] := parents;
begin
  while cardinality(next) > 0 loop
    with again as (
      select id, count(*)::integer as tasks from unnest(next) as p (id) group by id
    ),
    woken as (
      update errand.tasks t
         set pending = t.pending + again.tasks,
             state = 'running',
             attempt = t.attempt + (t.state = 'failed')::integer,
             max_attempts = greatest(t.max_attempts, t.attempt + (t.state = 'failed')::integer),
             ring = null,
             started_at = coalesce(t.started_at, now()),
             finished_at = null,
             runner_id = null,
             error = null
        from again
       where t.id = again.id and t.state in ('scheduled', 'queued', 'running', 'retrying', 'failed')
      returning t.id, t.parent_id, old.state as was
    ),
    -- Not what an operator has said about it.
    renewed as materialized (
      select errand.renew_failure_steps(array_agg(id), array['succeeded', 'failed'])
        from woken
       where was = 'failed'
      having count(*) > 0
    )
    select coalesce(array_agg(parent_id) filter (where was = 'failed' and parent_id is not null), '{}')
      into next
      from woken
     where (select count(*) from renewed) >= 0;
  end loop;
end;
$$;

-- Has the children of a task that failed or were cancelled done again, and theirs, as a retry of the whole asks for (W4);
-- what was achieved stays. Gives for how many children the task has to wait. With `new_payload` the steps get that
-- payload, and `due` says when they are due.
create function errand.rearm_children(parent uuid, new_payload jsonb default null, due timestamptz default now())
  returns integer
  language plpgsql
as $$
declare
  nested  jsonb;
  rung    integer;
  active  integer;
begin
  -- Somebody else was faster.
  if not exists (select from errand.tasks t where t.id = parent and t.state in ('failed', 'cancelled')) then
    return 0;
  end if;
  perform from errand.tasks t where t.parent_id = parent order by t.id for no key update;
  -- Those that have children themselves wait for these, when there is something left to do.
  select coalesce(jsonb_object_agg(t.id, errand.rearm_children(t.id, null, due)), '{}')
    into nested
    from errand.tasks t
   where t.parent_id = parent and t.children > 0 and t.state in ('failed', 'cancelled');

  perform errand.renew_failure_steps(array[parent], array['succeeded', 'resolved']);

  with candidate as materialized (
    select t.id, t.name, t.priority, coalesce((nested ->> t.id::text)::integer, 0) as under_way,
           case when t.step = 'on_failure' then 1
                else (select count(*)
                        from errand.tasks before
                       where before.parent_id = parent and before.step = any (t.after)
                         and before.state not in ('succeeded', 'resolved'))
           end::integer as before,
           (row_number() over (partition by t.name, t.priority order by t.id) - 1) / 100 as part
      from errand.tasks t
     where t.parent_id = parent and t.state in ('failed', 'cancelled')
  ),
  fresh as materialized (
    select part.*, gen_random_uuid() as ring from (select distinct name, priority, part from candidate) part
  ),
  again as (
    update errand.tasks t
       set (state, ring, pending, started_at) = (
             select 'waiting', null::uuid, c.before, null::timestamptz where c.before > 0
             union all
             select 'running', null::uuid, c.under_way, coalesce(t.started_at, now()) where c.before = 0 and c.under_way > 0
             union all
             select case when due > now() then 'scheduled' else 'queued' end, f.ring, 0,
                    case when t.children > 0 then t.started_at end
              where c.before = 0 and c.under_way = 0
           ),
           attempt = case when t.started_at is null then t.attempt else t.attempt + 1 end,
           max_attempts = greatest(t.max_attempts, case when t.started_at is null then t.attempt else t.attempt + 1 end),
           run_at = due,
           payload = case when t.step is null then t.payload else coalesce(new_payload, t.payload) end,
           finished_at = null,
           runner_id = null,
           result = null,
           error = null,
           cancel_requested_at = null,
           progress = null,
           progress_note = null,
           crashes = least(t.crashes, 1::smallint)
      from candidate c
      join fresh f using (name, priority, part)
     where t.id = c.id
    returning t.id, t.name, t.priority, t.ring, t.run_at
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array_agg(id order by id)) as spec
      from again
     where ring is not null
     group by ring, name, priority, run_at
  )
  select count(*) into rung
    from (select array_agg(spec) as specs from rings having count(*) > 0) due_rings
   cross join lateral graphile_worker.add_jobs(due_rings.specs);

  if new_payload is not null then
    update errand.tasks t set payload = new_payload where t.parent_id = parent and t.step is not null and t.state = 'waiting';
  end if;

  select count(*) into active
    from errand.tasks t
   where t.parent_id = parent and t.state in ('scheduled', 'queued', 'running', 'retrying');
  return active;
end;
$$;
