-- Re-arms the children of a task that failed, expired or were cancelled, and their descendants, for a retry
-- of the workflow (W4). Successful children stay as they are. Gives how many children the task must
-- wait for. With `new_payload` the steps get that payload. `due` is when they are due.
create or replace function errand.rearm_children(parent uuid, new_payload jsonb default null, due timestamptz default now())
  returns integer
  language plpgsql
as $$
declare
  nested  jsonb;
  dispatched    integer;
  active  integer;
begin
  -- Another statement was faster.
  if not exists (select from errand.tasks t where t.id = parent and t.state in ('failed', 'cancelled')) then
    return 0;
  end if;
  perform from errand.tasks t where t.parent_id = parent order by t.id for no key update;
  -- Children that have children wait for these, if any of them must run again. In the order of the
  -- ids, in which these are locked everywhere.
  select coalesce(jsonb_object_agg(t.id, errand.rearm_children(t.id, null, due)), '{}')
    into nested
    from (select c.id
            from errand.tasks c
           where c.parent_id = parent and c.children > 0 and c.state in ('failed', 'cancelled')
           order by c.id
          offset 0) t;

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
     where t.parent_id = parent and t.state in ('failed', 'cancelled', 'expired')
  ),
  fresh as materialized (
    select part.*, gen_random_uuid() as dispatch_id from (select distinct name, priority, part from candidate) part
  ),
  again as (
    update errand.tasks t
       set (state, dispatch_id, pending, started_at) = (
             select 'waiting', null::uuid, c.before, null::timestamptz where c.before > 0
             union all
             select 'running', null::uuid, c.under_way, coalesce(t.started_at, now()) where c.before = 0 and c.under_way > 0
             union all
             select case when due > now() then 'scheduled' else 'queued' end, f.dispatch_id, 0,
                    case when t.children > 0 then t.started_at end
              where c.before = 0 and c.under_way = 0
           ),
           attempt = errand.next_attempt(t.attempt, t.started_at),
           max_attempts = greatest(t.max_attempts, errand.next_attempt(t.attempt, t.started_at)),
           run_at = due,
           expires_at = null,
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
    returning t.id, t.name, t.priority, t.dispatch_id, t.run_at
  )
  select errand.add_dispatches(array_agg(id), array_agg(name), array_agg(priority), array_agg(dispatch_id), array_agg(run_at)) into dispatched
    from again;

  if new_payload is not null then
    update errand.tasks t set payload = new_payload where t.parent_id = parent and t.step is not null and t.state = 'waiting';
  end if;

  select count(*) into active
    from errand.tasks t
   where t.parent_id = parent and t.state in ('scheduled', 'queued', 'running', 'retrying');
  return active;
end;
$$;
