-- For children that have ended: counts down the steps after them, and their parents, and queues
-- those that wait for nothing any more. `satisfied` is, for each child, whether later steps may
-- continue after it. The caller has locked the parents, so that there is one call at a time per
-- parent, and parents before children, by id, so that callers do not deadlock.
--
-- No step is queued twice: it leaves `waiting` in the one update that finds its count at 0.
create or replace function errand.unblock_dependents(parents uuid[], steps text[], satisfied boolean[]) returns void
  language plpgsql
as $$
declare
  -- The ids of shared dispatches are made from this: tasks of one name that one call queues share
  -- them, by a hundred parents.
  seed  uuid := gen_random_uuid();
  dispatched  integer;
begin
  with ended as materialized (
    select e.parent_id, count(*)::integer as tasks, (min(e.ordinal) - 1) / 100 as part,
           coalesce(array_agg(e.step) filter (where e.satisfied and e.step is not null), '{}') as done
      from unnest(parents, steps, satisfied) with ordinality as e (parent_id, step, satisfied, ordinal)
     group by e.parent_id
  ),
  counted as (
    update errand.tasks t
       set pending = t.pending - f.done,
           state = case when t.pending = f.done then 'queued' else t.state end,
           dispatch_id = case when t.pending = f.done then errand.shared_dispatch_id(seed, t.name, t.priority, f.part) end,
           run_at = case when t.pending = f.done then now() else t.run_at end
      from (
             select w.id, e.part, count(*)::integer as done
               from ended e
              -- Offset 0: reads the children of each parent by their index, whatever the planner
              -- expects.
              cross join lateral (
                select s.id, s.state, s.after
                  from errand.tasks s
                 where s.parent_id = e.parent_id and s.step is not null
                offset 0
              ) w
              cross join lateral unnest(w.after) as before (step)
              where w.state = 'waiting' and before.step = any (e.done)
              group by w.id, e.part
           ) f
     where t.id = f.id and t.state = 'waiting'
    returning t.id, t.parent_id, t.name, t.priority, t.dispatch_id, t.run_at
  ),
  resumed as (
    update errand.tasks t
       set pending = t.pending - p.fewer,
           state = case when t.pending = p.fewer then 'queued'
                        -- Not due yet: a step of it was cancelled.
                        when t.state = 'scheduled' and t.run_at > now() and not p.is_begun then t.state
                        else 'running' end,
           started_at = case when t.pending <> p.fewer and t.state = 'scheduled' and t.run_at > now() and not p.is_begun then null
                             else coalesce(t.started_at, least(t.run_at, now())) end,
           dispatch_id = case when t.pending = p.fewer then errand.shared_dispatch_id(seed, t.name, t.priority, p.part) end,
           run_at = case when t.pending = p.fewer then now() else t.run_at end
      from (
             select e.parent_id, e.part, e.tasks - queued.followers as fewer, queued.followers > 0 as is_begun
               from ended e
              cross join lateral (
                select count(*)::integer as followers from counted c where c.parent_id = e.parent_id and c.dispatch_id is not null
              ) queued
           ) p
     where t.id = p.parent_id and t.pending > 0 and t.state in ('scheduled', 'running')
    returning t.id, t.name, t.priority, t.dispatch_id, t.run_at
  )
  select errand.add_dispatches(array_agg(id), array_agg(name), array_agg(priority), array_agg(dispatch_id), array_agg(run_at)) into dispatched
    from (select id, name, priority, dispatch_id, run_at from counted
           union all
          select id, name, priority, dispatch_id, run_at from resumed) due;
end;
$$;
