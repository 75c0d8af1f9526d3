-- How many of the steps that a step comes after are not done. A step for failures counts as 1 until
-- it has been due. Volatile, so that it sees what was committed while its caller waited for locks.
create or replace function errand.count_before(task uuid) returns integer
  language sql volatile
as $$
  select case when t.step = 'on_failure' then (t.started_at is null)::integer
              else (select count(*)::integer
                      from errand.tasks before
                     where before.parent_id = t.parent_id and before.step = any (t.after)
                       and before.state not in ('succeeded', 'resolved'))
         end
    from errand.tasks t
   where t.id = task
$$;
