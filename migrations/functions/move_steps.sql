-- Gives the steps of a debounced workflow the payload and the due time to which it was moved, and its
-- first steps new dispatches. Their old dispatches are removed. The workflow is locked, and waits.
--
-- If a step has started after all, because the workflow was submitted by a transaction that was open for
-- longer than its delay, the statement fails and can be repeated: then the workflow is no longer moved.
create or replace function errand.move_steps(moved uuid, new_payload jsonb, due timestamptz) returns void
  language plpgsql
as $$
declare
  had         uuid[];
  dispatched  bigint;
begin
  select array_agg(s.dispatch_id) filter (where s.state = 'scheduled') into had
    from (select t.state, t.dispatch_id from errand.tasks t where t.parent_id = moved order by t.id for no key update) s
  having bool_and(s.state in ('scheduled', 'waiting', 'cancelled'));
  if not found then perform errand.repeat_later(); end if;
  with again as (
    update errand.tasks t
       set payload = new_payload,
           run_at = due,
           dispatch_id = case when t.state = 'scheduled' then gen_random_uuid() end
     where t.parent_id = moved and t.state in ('scheduled', 'waiting')
    returning t.id, t.name, t.priority, t.dispatch_id, t.run_at
  )
  select errand.add_dispatches(array_agg(id), array_agg(name), array_agg(priority), array_agg(dispatch_id), array_agg(run_at))
    into dispatched
    from again;
  perform errand.remove_dispatches(had);
end;
$$;
