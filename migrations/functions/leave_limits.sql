-- Takes tasks that no longer want a slot out of the waits. If one was called, the next one is called instead.
-- The caller has locked these tasks. Attempts that run keep their slots: their runners free them.
create or replace function errand.leave_limits(task_ids uuid[]) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  limits       text[];
  keys         text[];
  turn_limits  text[];
  turn_keys    text[];
begin
  select array_agg(w.limit_name), array_agg(w.key) into limits, keys
    from (select distinct w.limit_name, w.key from errand.limit_waits w where w.task_id = any (task_ids)) w;
  if limits is null then return; end if;
  perform errand.lock_limit_keys(limits, keys);
  with gone as (
    delete from errand.limit_waits w where w.task_id = any (task_ids) returning w.limit_name, w.key, w.turn_key
  )
  select array_agg(g.limit_name), array_agg(g.turn_key) into turn_limits, turn_keys from gone g where g.key = '';
  perform errand.drop_limit_turns(turn_limits, turn_keys);
  perform errand.call_limit_waits(limits, keys);
end;
$$;
