-- Calls tasks that were submitted and wait, if there is room after all. The submission, which locks no key, looked
-- before it was committed: meanwhile a slot may have come free, and whoever freed it did not see the wait. So the
-- submitter calls this after its commit. If it does not come to that, errand.repair_limits does the same.
create or replace function errand.call_submitted(limits text[], keys text[], turn_keys text[]) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  waiting_limits  text[];
  waiting_keys    text[];
begin
  select array_agg(g.limit_name), array_agg(g.key) into waiting_limits, waiting_keys
    from (select distinct g.limit_name, g.key
            from unnest(limits, keys, turn_keys) as g (limit_name, key, turn_key)
           where exists (select
                           from errand.limit_waits w
                          where w.limit_name = g.limit_name and w.key = g.key and w.turn_key = g.turn_key
                            and w.called_at is null)) g;
  if waiting_limits is null then return; end if;
  perform errand.lock_limit_keys(waiting_limits, waiting_keys);
  insert into errand.limit_turns (limit_name, turn_key, last_turn)
  select distinct g.limit_name, g.turn_key, clock_timestamp()
    from unnest(limits, keys, turn_keys) as g (limit_name, key, turn_key)
   where g.key = ''
     and exists (select
                   from errand.limit_waits w
                  where w.limit_name = g.limit_name and w.key = '' and w.turn_key = g.turn_key and w.called_at is null)
  on conflict do nothing;
  perform errand.call_limit_waits(waiting_limits, waiting_keys);
end;
$$;
