-- Marks waits as called and dispatches their tasks. Called tasks of one name share dispatches. For that they must
-- name another one than they do, which needs their locks. Those that somebody else has locked now get the
-- dispatch that they name already. It is for errand.call_limit_waits, which has locked the keys.
create or replace function errand.dispatch_called(task_ids uuid[]) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  ids           uuid[];
  names         text[];
  priorities    smallint[];
  dispatch_ids  uuid[];
  run_ats       timestamptz[];
begin
  with called as (
    update errand.limit_waits w
       set called_at = clock_timestamp(),
           first_called_at = coalesce(w.first_called_at, clock_timestamp())
     where w.task_id = any (task_ids)
    returning w.*
  )
  select array_agg(c.task_id), array_agg(c.name::text), array_agg(c.priority), array_agg(c.dispatch_id), array_agg(c.run_at)
    into ids, names, priorities, dispatch_ids, run_ats
    from called c;
  if cardinality(ids) > 1 then
    with grouped as materialized (
      select c.*, count(*) over g as size, min(c.run_at) over g as first_at,
             (row_number() over (g order by c.run_at, c.id rows unbounded preceding) - 1) / 100 as part
        from unnest(ids, names, priorities, dispatch_ids, run_ats) as c (id, name, priority, dispatch_id, run_at)
      window g as (partition by c.name, c.priority)
    ),
    fresh as materialized (
      select part.*, gen_random_uuid() as dispatch_id from (select distinct name, priority, part from grouped where size > 1) part
    ),
    locked as materialized (
      select t.id
        from grouped g
        join errand.tasks t on t.id = g.id and t.dispatch_id = g.dispatch_id
       where g.size > 1
         for no key update of t skip locked
    ),
    shared as (
      update errand.tasks t
         set dispatch_id = f.dispatch_id
        from locked
        join grouped g using (id)
        join fresh f using (name, priority, part)
       where t.id = locked.id
      returning t.id, t.dispatch_id
    )
    select array_agg(g.id), array_agg(g.name), array_agg(g.priority), array_agg(coalesce(s.dispatch_id, g.dispatch_id)),
           array_agg(case when s.id is null then g.run_at else g.first_at end)
      into ids, names, priorities, dispatch_ids, run_ats
      from grouped g
      left join shared s using (id);
  end if;
  perform errand.add_dispatches(ids, names, priorities, dispatch_ids, run_ats);
end;
$$;
