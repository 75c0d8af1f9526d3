-- Whether an operator has cancelled a part of a failed task that would be repeated with it. Uses
-- tasks_parent_id_step_key.
create or replace function errand.has_cancelled_part(parent uuid) returns boolean
  language sql stable
  set search_path = pg_catalog, pg_temp
as $$
  with recursive parts as (
    select t.id, t.state from errand.tasks t where t.parent_id = parent and t.state in ('failed', 'cancelled')
     union all
    select t.id, t.state
      from parts p
      join errand.tasks t on t.parent_id = p.id and t.state in ('failed', 'cancelled')
     where p.state = 'failed'
  )
  select exists (select from parts where state = 'cancelled')
$$;
