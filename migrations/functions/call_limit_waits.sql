-- Calls as many waiting tasks of these keys as there are free slots: each gets a dispatch. The caller has
-- locked the keys, and calls this after everything that may have made room: a slot is free, a task that was
-- called waits for another key now, a limit is larger, the time of a rate has passed. So nobody waits while there
-- is room.
--
-- Called tasks of one name share dispatches. For that they must name another one than they do, which needs
-- their locks. Those that somebody else has locked now get the dispatch that they name already.
create or replace function errand.call_limit_waits(limits text[], keys text[]) returns void
  language plpgsql
as $$
declare
  stale  integer;
begin
  loop
    with room as (
      select g.limit_name, g.key,
             -- A limit that was removed has room for all.
             case when l.name is null then 1000
                  when k.held_until > clock_timestamp() then 0
                  -- A thousand calls at a time: those that start call more.
                  else least(1000, case when l.period_ms is null
                                        then l.slots - (select count(*)
                                                          from errand.limit_slots s
                                                         where s.limit_name = g.limit_name and s.key = g.key)
                                        else errand.rate_room(g.limit_name, g.key, l.slots, l.period_ms, l.burst)
                                   end)
                       - (select count(*)
                            from errand.limit_waits c
                           where c.limit_name = g.limit_name and c.key = g.key
                             and c.called_at >= clock_timestamp() - errand.limit_call_time())
             end as free
        from (select distinct * from unnest(limits, keys) as g (limit_name, key)) g
        left join errand.limits l on l.name = g.limit_name
        left join errand.limit_keys k on k.limit_name = g.limit_name and k.key = g.key
    ),
    next as materialized (
      select w.*, t.id is not null as is_due
        from room
       cross join lateral errand.next_limit_waits(room.limit_name, room.key, room.free) w
        left join errand.tasks t
          on t.id = w.task_id and t.dispatch_id = w.dispatch_id and t.state in ('scheduled', 'queued', 'retrying')
       where room.free > 0
    ),
    -- Its task has ended, or waits for something else now.
    gone as (
      delete from errand.limit_waits w using next where w.task_id = next.task_id and not next.is_due returning w.task_id
    ),
    called as (
      update errand.limit_waits w set called_at = clock_timestamp() from next where w.task_id = next.task_id and next.is_due
    ),
    grouped as materialized (
      select n.*, count(*) over g as size, min(n.run_at) over g as first_at,
             (row_number() over (g order by n.run_at, n.task_id rows unbounded preceding) - 1) / 100 as part
        from next n
       where n.is_due
      window g as (partition by n.name, n.priority)
    ),
    fresh as materialized (
      select part.*, gen_random_uuid() as dispatch_id from (select distinct name, priority, part from grouped where size > 1) part
    ),
    locked as materialized (
      select t.id
        from errand.tasks t
        join grouped g on g.task_id = t.id and g.dispatch_id = t.dispatch_id
       where g.size > 1
         for no key update of t skip locked
    ),
    shared as (
      update errand.tasks t
         set dispatch_id = f.dispatch_id
        from locked
        join grouped g on g.task_id = locked.id
        join fresh f using (name, priority, part)
       where t.id = locked.id
      returning t.id, t.dispatch_id
    ),
    dispatched as (
      select errand.add_dispatches(array_agg(g.task_id), array_agg(g.name::text), array_agg(g.priority),
                                   array_agg(coalesce(s.dispatch_id, g.dispatch_id)),
                                   array_agg(case when s.id is null then g.run_at else g.first_at end))
        from grouped g
        left join shared s on s.id = g.task_id
      having count(*) > 0
    )
    select (select count(*) from gone) into stale where (select count(*) from dispatched) >= 0;
    exit when coalesce(stale, 0) = 0;
  end loop;
  perform errand.time_limit_calls(limits, keys);
end;
$$;
