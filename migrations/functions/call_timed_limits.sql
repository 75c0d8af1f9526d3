-- Calls who waits for a key whose time has come (limit_keys.call_at). Gives in how many milliseconds the time
-- of the next key comes; null without one. Any runner may do it at any time: keys that somebody else has locked
-- are left to him, and to the next call. After a crash before the commit nobody was called.
create or replace function errand.call_timed_limits() returns float8
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  limits  text[];
  keys    text[];
begin
  select array_agg(due.limit_name), array_agg(due.key) into limits, keys
    from (select k.limit_name, k.key
            from errand.limit_keys k
           where k.call_at <= clock_timestamp()
           order by k.call_at
           limit 200
             for no key update skip locked) due;
  if limits is not null then
    perform errand.call_limit_waits(limits, keys);
    -- Also of those for which nobody waits any more.
    perform errand.time_limit_calls(limits, keys);
  end if;
  return (select extract(epoch from k.call_at - clock_timestamp()) * 1000
            from errand.limit_keys k
           where k.call_at is not null
           order by k.call_at
           limit 1);
end;
$$;
