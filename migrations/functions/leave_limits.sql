-- Takes tasks that no longer want a slot out of the waits. If one was called, the next one is called instead.
-- The caller has locked these tasks. Attempts that run keep their slots: their runners free them.
create or replace function errand.leave_limits(task_ids uuid[]) returns void
  language plpgsql
as $$
declare
  limits  text[];
  keys    text[];
begin
  select array_agg(w.limit_name), array_agg(w.key) into limits, keys
    from (select distinct w.limit_name, w.key from errand.limit_waits w where w.task_id = any (task_ids)) w;
  if limits is null then return; end if;
  perform errand.lock_limit_keys(limits, keys);
  delete from errand.limit_waits w where w.task_id = any (task_ids);
  perform errand.call_limit_waits(limits, keys);
end;
$$;
