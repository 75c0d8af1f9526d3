-- Cancels all descendants of these tasks that have not ended, and gives their ids. It locks each
-- generation in the order of the ids, as the statements that end attempts lock parents: otherwise
-- the two would deadlock over workflows inside of a workflow.
create or replace function errand.cancel_children(parents uuid[]) returns uuid[]
  language plpgsql
as $$
declare
  next       uuid[] := parents;
  cancelled  uuid[] := '{}';
begin
  while cardinality(next) > 0 loop
    with locked as materialized (
      select c.id
        from errand.tasks c
       where c.parent_id = any (next) and c.cancel_requested_at is null
         and c.state in ('scheduled', 'waiting', 'queued', 'running', 'retrying')
       order by c.id
         for no key update
    ),
    t as (
      update errand.tasks t
         set cancel_requested_at = now(),
             pending = 0,
             (state, dispatch_id, finished_at) = (
               select 'running', t.dispatch_id, null::timestamptz where t.state = 'running' and t.dispatch_id is not null
               union all
               select 'cancelled', null::uuid, now() where t.state <> 'running' or t.dispatch_id is null
             )
        from locked
       where t.id = locked.id
      returning t.id, t.attempt, t.started_at, t.finished_at
    ),
    ended as (
      insert into errand.attempts (task_id, attempt, outcome, started_at, finished_at)
      select id, attempt, 'cancelled', started_at, finished_at
        from t
       where finished_at is not null and started_at is not null
    )
    select coalesce(array_agg(id), '{}') into next from t;
    cancelled := cancelled || next;
  end loop;
  return cancelled;
end;
$$;
