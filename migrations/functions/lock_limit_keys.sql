-- Locks keys of limits, in one order for all callers, and makes the rows of new ones. After that nobody else
-- changes slots or waits of these keys until the transaction ends.
--
-- New rows come before the locks: whoever waited for the new row of another one with keys locked could wait
-- forever. Everyone locks in this order: the runner, parents, tasks by id, then keys. With a key locked nobody waits
-- for a task.
create or replace function errand.lock_limit_keys(limits text[], keys text[]) returns void
  language plpgsql
  -- Planning took most of the time of these functions: with it a hand-over took 5 ms longer.
  set plan_cache_mode = force_generic_plan
as $$
declare
  wanted  integer;
  locked  integer;
begin
  loop
    select count(*), count(k.limit_name) into wanted, locked
      from (select distinct * from unnest(limits, keys) as g (limit_name, key)) g
      left join lateral (
             select k.limit_name
               from errand.limit_keys k
              where k.limit_name = g.limit_name and k.key = g.key) k on true;
    if locked < wanted then
      insert into errand.limit_keys (limit_name, key)
      select distinct g.limit_name, g.key
        from unnest(limits, keys) as g (limit_name, key)
       order by 1, 2
      on conflict do nothing;
    end if;
    select count(*) into locked
      from (select
              from (select distinct * from unnest(limits, keys) as g (limit_name, key)) g
              join errand.limit_keys k using (limit_name, key)
             order by g.limit_name, g.key
               for no key update of k) k;
    -- A key that nobody used was removed in between.
    exit when locked = wanted;
  end loop;
end;
$$;
