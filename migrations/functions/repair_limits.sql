-- Looks at the waits of the next thousand keys after this one: calls who waits while there is room, and
-- removes calls of tasks that will not start. Every statement that makes room calls for itself. This is for
-- what none of them sees: a pause that has ended, a larger limit, a name whose runners are back, and rows
-- that somebody has changed by hand. Gives the last key, or no row after the last one.
create or replace function errand.repair_limits(after_limit text, after_key text) returns table (limit_name text, key text)
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  limits  text[];
  keys    text[];
begin
  with recursive next as (
    select first.*, 1 as number
      from (select w.limit_name, w.key
              from errand.limit_waits w
             where (w.limit_name, w.key) > (after_limit, after_key)
             order by w.limit_name, w.key
             limit 1) first
     union all
    select following.*, next.number + 1
      from next
     cross join lateral (
       select w.limit_name, w.key
         from errand.limit_waits w
        where (w.limit_name, w.key) > (next.limit_name, next.key)
        order by w.limit_name, w.key
        limit 1) following
     where next.number < 1000
  )
  select array_agg(next.limit_name order by number), array_agg(next.key order by number) into limits, keys from next;
  if limits is null then return; end if;
  perform errand.lock_limit_keys(limits, keys);
  perform errand.mend_limit_times(limits, keys);
  delete from errand.limit_waits w
   where (w.limit_name, w.key) in (select * from unnest(limits, keys))
     and w.called_at is not null
     and not exists (select from errand.tasks t where t.id = w.task_id and t.state in ('scheduled', 'queued', 'retrying'));
  perform errand.repair_limit_turns(l) from unnest(limits, keys) as g (l, k) where g.k = '';
  perform errand.call_limit_waits(limits, keys);
  if cardinality(limits) = 1000 then
    return query select limits[1000], keys[1000];
  end if;
end;
$$;
