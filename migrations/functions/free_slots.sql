-- Frees the slots of attempts and calls who waits for them. A slot is named by its task, its dispatch and its
-- runner: if a runner was presumed dead, another may execute the same dispatch now, and has other slots. What
-- is not there is not freed, so freeing twice is freeing once. The caller has locked all tasks that it changes
-- before.
create or replace function errand.free_slots(task_ids uuid[], dispatch_ids uuid[], runners integer[]) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  limits  text[];
  keys    text[];
begin
  select array_agg(s.limit_name), array_agg(s.key) into limits, keys
    from (select distinct s.limit_name, s.key
            from unnest(task_ids, dispatch_ids, runners) as g (task_id, dispatch_id, runner_id)
            join errand.limit_slots s using (task_id, dispatch_id, runner_id)) s;
  if limits is null then return; end if;
  perform errand.lock_limit_keys(limits, keys);
  delete from errand.limit_slots s
   using unnest(task_ids, dispatch_ids, runners) as g (task_id, dispatch_id, runner_id)
   where s.task_id = g.task_id and s.dispatch_id = g.dispatch_id and s.runner_id = g.runner_id;
  -- Only after the keys are locked: before, a wait may have come that is not committed.
  if exists (select
               from unnest(limits, keys) as g (limit_name, key)
               join errand.limit_waits w using (limit_name, key)) then
    perform errand.call_limit_waits(limits, keys);
  end if;
end;
$$;
