-- Calls who waits for a limit that has more room now, for a thousand of its keys, from this one on. Gives the
-- key with which the next call begins, or null after the last one. Each call is a transaction: what an earlier
-- one has called stays called.
create or replace function errand.call_limit(of_limit text, from_key text) returns text
  language plpgsql
as $$
declare
  keys  text[];
begin
  -- Skips from key to key in limit_waits_next_idx.
  with recursive next as (
    select first.key, 1 as number
      from (select w.key
              from errand.limit_waits w
             where w.limit_name = of_limit and w.key >= from_key
             order by w.limit_name, w.key
             limit 1) first
     union all
    select following.key, next.number + 1
      from next
     cross join lateral (
       select w.key
         from errand.limit_waits w
        where w.limit_name = of_limit and w.key > next.key
        order by w.limit_name, w.key
        limit 1) following
     where next.number < 1001
  )
  select array_agg(next.key order by number) into keys from next;
  if keys is null then return null; end if;
  perform errand.lock_limit_keys(array_fill(of_limit, array[cardinality(keys[1:1000])]), keys[1:1000]);
  perform errand.call_limit_waits(array_fill(of_limit, array[cardinality(keys[1:1000])]), keys[1:1000]);
  return keys[1001];
end;
$$;
