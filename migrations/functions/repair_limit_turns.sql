-- Makes the turn keys of a limit those that its waits have. It skips from one turn key to the next in
-- limit_waits_next_idx. The caller has locked the limit.
create or replace function errand.repair_limit_turns(of_limit text) returns void
  language sql volatile
as $$
  with recursive there as (
    (select w.turn_key
       from errand.limit_waits w
      where w.limit_name = of_limit and w.key = ''
      order by w.turn_key
      limit 1)
     union all
    select following.turn_key
      from there
     cross join lateral (
       select w.turn_key
         from errand.limit_waits w
        where w.limit_name = of_limit and w.key = '' and w.turn_key > there.turn_key
        order by w.turn_key
        limit 1) following
  ),
  stale as (
    delete from errand.limit_turns t
     where t.limit_name = of_limit and t.turn_key not in (select turn_key from there)
  )
  insert into errand.limit_turns (limit_name, turn_key, last_turn)
  select of_limit, turn_key, clock_timestamp() from there
  on conflict do nothing;
$$;
