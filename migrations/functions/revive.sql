-- Counts up the parents of children that are due again, one for each entry of the list. A failed
-- parent waits for its children again; it then counts for its own parent, and so on upwards. Its
-- step that waits for a failure waits again.
create or replace function errand.revive(parents uuid[]) returns void
  language plpgsql
as $$
declare
  next uuid[] := parents;
begin
  while cardinality(next) > 0 loop
    with again as (
      select id, count(*)::integer as tasks from unnest(next) as p (id) group by id
    ),
    -- As they are now, and stay until they are updated.
    before as materialized (
      select t.id, t.state
        from errand.tasks t
       where t.id in (select id from again) and t.state in ('scheduled', 'queued', 'running', 'retrying', 'failed')
       order by t.id
         for no key update
    ),
    woken as (
      update errand.tasks t
         set pending = t.pending + again.tasks,
             state = 'running',
             attempt = t.attempt + (t.state = 'failed')::integer,
             max_attempts = greatest(t.max_attempts, t.attempt + (t.state = 'failed')::integer),
             dispatch_id = null,
             started_at = coalesce(t.started_at, now()),
             finished_at = null,
             runner_id = null,
             error = null
        from again
        join before using (id)
       where t.id = again.id
      returning t.id, t.parent_id, before.state as was
    ),
    -- A step that an operator has resolved stays.
    renewed as materialized (
      select errand.renew_failure_steps(array_agg(id), array['succeeded', 'failed'])
        from woken
       where was = 'failed'
      having count(*) > 0
    )
    select coalesce(array_agg(parent_id) filter (where was = 'failed' and parent_id is not null), '{}')
      into next
      from woken
     where (select count(*) from renewed) >= 0;
  end loop;
end;
$$;
