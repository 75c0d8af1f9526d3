-- Locks keys of limits, in one order for all callers, and makes the rows of new ones. After that nobody else
-- changes slots or waits of these keys until the transaction ends.
--
-- Everyone locks in this order: the runner, parents, tasks by id, then keys. With a key locked nobody waits
-- for a task.
create or replace function errand.lock_limit_keys(limits text[], keys text[]) returns void
  language plpgsql
as $$
declare
  wanted  integer;
  locked  integer;
begin
  select count(*) into wanted from (select distinct * from unnest(limits, keys)) given;
  loop
    insert into errand.limit_keys (limit_name, key)
    select distinct g.limit_name, g.key
      from unnest(limits, keys) as g (limit_name, key)
     where not exists (select from errand.limit_keys k where k.limit_name = g.limit_name and k.key = g.key)
     order by 1, 2
    on conflict do nothing;
    select count(*) into locked
      from (select from errand.limit_keys k
             where (k.limit_name, k.key) in (select * from unnest(limits, keys))
             order by k.limit_name, k.key
               for no key update) k;
    -- A key that nobody used was removed in between.
    exit when locked = wanted;
  end loop;
end;
$$;
