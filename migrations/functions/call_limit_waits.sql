-- Calls as many waiting tasks of these keys as there are free slots: each gets a dispatch. The caller has
-- locked the keys, and calls this after everything that may have made room: a slot is free, a task that was
-- called waits for another key now, a limit is larger, the time of a rate has passed. So nobody waits while there
-- is room.
--
-- At a limit without keys, turn keys that are called go to the end of the turns. If some of them had fewer waits
-- than there were slots for them, the others get these slots in another pass.
create or replace function errand.call_limit_waits(limits text[], keys text[]) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  called       uuid[];
  gone         uuid[];
  turn_limits  text[];
  turn_keys    text[];
  are_timed    boolean;
  -- How many free slots there are at limits without keys.
  turn_room    bigint;
begin
  loop
    with room as materialized (
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
                             and c.called_at is not null
                             and c.called_at >= clock_timestamp() - errand.limit_call_time())
             end as free,
             l.period_ms is not null or k.held_until is not null or k.call_at is not null as is_timed
        from (select distinct * from unnest(limits, keys) as g (limit_name, key)) g
        left join errand.limits l on l.name = g.limit_name
        left join errand.limit_keys k on k.limit_name = g.limit_name and k.key = g.key
       where exists (select from errand.limit_waits w where w.limit_name = g.limit_name and w.key = g.key)
    ),
    next as materialized (
      select w.*
        from room
       cross join lateral errand.next_limit_waits(room.limit_name, room.key, '', room.free) w
       where room.key <> '' and room.free > 0
       union all
      select w.*
        from room
       cross join lateral errand.next_limit_turns(room.limit_name, room.free) w
       where room.key = '' and room.free > 0
    )
    select array_agg(n.task_id) filter (where t.id is not null),
           array_agg(n.task_id) filter (where t.id is null),
           array_agg(n.limit_name) filter (where n.key = ''),
           array_agg(n.turn_key) filter (where n.key = ''),
           coalesce((select bool_or(is_timed) from room), false),
           (select sum(room.free) from room where room.key = '' and room.free > 0)
      into called, gone, turn_limits, turn_keys, are_timed, turn_room
      from next n
      left join errand.tasks t
        on t.id = n.task_id and t.dispatch_id = n.dispatch_id and (t.state in ('scheduled', 'queued', 'retrying')) is true;
    exit when called is null and gone is null;
    -- Their tasks have ended, or wait for something else now.
    if gone is not null then
      delete from errand.limit_waits w where w.task_id = any (gone);
    end if;
    if called is not null then
      perform errand.dispatch_called(called);
    end if;
    if turn_limits is not null then
      update errand.limit_turns t
         set last_turn = clock_timestamp()
        from unnest(turn_limits, turn_keys) as g (limit_name, turn_key)
       where t.limit_name = g.limit_name and t.turn_key = g.turn_key;
      perform errand.drop_limit_turns(turn_limits, turn_keys);
    end if;
    exit when gone is null and coalesce(cardinality(turn_limits) >= turn_room, true);
  end loop;
  if are_timed then
    perform errand.time_limit_calls(limits, keys);
  end if;
end;
$$;
