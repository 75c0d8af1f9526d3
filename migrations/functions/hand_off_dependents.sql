-- For children that have ended: counts down the steps after them, and their parents, and queues
-- those that wait for nothing any more. `satisfied` is, for each child, whether later steps may
-- continue after it. The caller has locked the parents, so that there is one call at a time per
-- parent, and parents before children, by id, so that callers do not deadlock.
--
-- Up to `room` tasks of these `names` are not dispatched but handed off to `runner`, which holds them from then
-- on (errand.held_dispatch_id) and starts them when it has the answer. `held` has them as JSON, an array of
-- [dispatch id, attempts as in errand.load_attempts].
--
-- `endings` has, for a child whose result is that of its parent, that result. If the parent waits for nothing
-- else then, it ends with it here, and needs no attempt of its own; `ended` has the ids of such parents. It is not
-- for a parent that is paused, is to be cancelled, has failed children, or has a parent itself.
--
-- No step is queued twice: it leaves `waiting` in the one update that finds its count at 0. After a crash before the
-- commit nothing has changed. After the commit the runner holds what was handed off, and recovery finds it.
create or replace function errand.hand_off_dependents(parents uuid[], steps text[], satisfied boolean[], endings text[],
                                                      runner integer, names text[], room integer)
  returns table (held text, ended uuid[])
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  -- The ids of shared dispatches are made from this: tasks of one name that one call queues share
  -- them, by a hundred parents.
  seed          uuid := gen_random_uuid();
  due_ids       uuid[];
  due_names     text[];
  priorities    smallint[];
  dispatch_ids  uuid[];
  run_ats       timestamptz[];
  held_ids         uuid[];
  held_dispatches  uuid[];
begin
  with given as materialized (
    select e.parent_id, count(*)::integer as tasks, (min(e.ordinal) - 1) / 100 as part,
           coalesce(array_agg(e.step) filter (where e.satisfied and e.step is not null), '{}') as done,
           max(e.ending) as ending
      from unnest(parents, steps, satisfied, endings) with ordinality as e (parent_id, step, satisfied, ending, ordinal)
     group by e.parent_id
  ),
  counted as (
    update errand.tasks t
       set pending = t.pending - f.done,
           state = case when t.pending = f.done then 'queued' else t.state end,
           dispatch_id = case when t.pending <> f.done then null
                              when f.place <= room then errand.held_dispatch_id(runner)
                              else errand.shared_dispatch_id(seed, t.name, t.priority, f.part) end,
           run_at = case when t.pending = f.done then now() else t.run_at end
      from (
             select d.id, d.part, d.done,
                    case when d.is_due then row_number() over (partition by d.is_due order by d.id) end as place
               from (
                      select w.id, e.part, count(*)::integer as done, w.pending = count(*) and w.name = any (names) as is_due
                        from given e
                       -- Offset 0: reads the children of each parent by their index, whatever the planner
                       -- expects.
                       cross join lateral (
                         select s.id, s.name, s.state, s.after, s.pending
                           from errand.tasks s
                          where s.parent_id = e.parent_id and s.step is not null
                         offset 0
                       ) w
                       cross join lateral unnest(w.after) as before (step)
                       where w.state = 'waiting' and before.step = any (e.done)
                       group by w.id, w.pending, w.name, e.part
                    ) d
           ) f
     where t.id = f.id and t.state = 'waiting'
    returning t.id, t.parent_id, t.name, t.priority, t.dispatch_id, t.run_at, f.place
  ),
  resumed as (
    update errand.tasks t
       set pending = t.pending - p.fewer,
           state = case when p.ends then 'succeeded'
                        when t.pending = p.fewer then 'queued'
                        -- Not due yet: a step of it was cancelled.
                        when t.state = 'scheduled' and t.run_at > now() and not p.is_begun then t.state
                        else 'running' end,
           started_at = case when t.pending <> p.fewer and t.state = 'scheduled' and t.run_at > now() and not p.is_begun then null
                             else coalesce(t.started_at, least(t.run_at, now())) end,
           dispatch_id = case when p.ends or t.pending <> p.fewer then null
                              when p.place <= room then errand.held_dispatch_id(runner)
                              else errand.shared_dispatch_id(seed, t.name, t.priority, p.part) end,
           run_at = case when t.pending = p.fewer and not p.ends then now() else t.run_at end,
           finished_at = case when p.ends then now() else t.finished_at end,
           runner_id = case when p.ends then runner else t.runner_id end,
           result = case when p.ends then nullif(p.ending, 'null')::jsonb else t.result end,
           error = case when not p.ends then t.error end
      from (
             select j.*,
                    case when j.is_due and not j.ends
                         then (select count(*) from counted where place <= room)
                              + row_number() over (partition by j.is_due and not j.ends order by j.parent_id) end as place
               from (
                      select e.parent_id, e.part, e.ending, e.tasks - queued.followers as fewer, queued.followers > 0 as is_begun,
                             q.pending = e.tasks - queued.followers and q.name = any (names) as is_due,
                             e.ending is not null and q.pending = e.tasks - queued.followers
                               and q.cancel_requested_at is null and q.parent_id is null
                               and not exists (select
                                                 from errand.tasks s
                                                where s.parent_id = e.parent_id and s.state in ('failed', 'cancelled', 'expired'))
                               and not exists (select from errand.pauses p where starts_with(q.name || '.', p.target || '.')) as ends
                        from given e
                        join errand.tasks q on q.id = e.parent_id
                       cross join lateral (
                         select count(*)::integer as followers from counted c where c.parent_id = e.parent_id and c.dispatch_id is not null
                       ) queued
                    ) j
           ) p
     where t.id = p.parent_id and t.pending > 0 and t.state in ('scheduled', 'running')
    returning t.id, t.name, t.priority, t.dispatch_id, t.run_at, t.state, p.place
  ),
  due as (
    select id, name, priority, dispatch_id, run_at, coalesce(place <= room, false) as is_held from counted
     union all
    select id, name, priority, dispatch_id, run_at, coalesce(place <= room, false) from resumed
  )
  select array_agg(id) filter (where not is_held), array_agg(name) filter (where not is_held),
         array_agg(priority) filter (where not is_held), array_agg(dispatch_id) filter (where not is_held),
         array_agg(run_at) filter (where not is_held),
         array_agg(id) filter (where is_held), array_agg(dispatch_id) filter (where is_held),
         (select array_agg(id) from resumed where state = 'succeeded')
    into due_ids, due_names, priorities, dispatch_ids, run_ats, held_ids, held_dispatches, ended
    from due
   where dispatch_id is not null;
  if due_ids is not null then
    perform errand.add_dispatches(due_ids, due_names, priorities, dispatch_ids, run_ats);
  end if;
  if ended is not null then
    -- The step for failures is not needed any more.
    update errand.tasks t
       set state = 'succeeded', skipped = true, finished_at = now(), pending = 0
     where t.parent_id = any (ended) and t.step = 'on_failure' and t.state = 'waiting';
  end if;
  if held_ids is not null then
    select json_agg(json_build_array(l.dispatch_id, l.due::json))::text into held
      from errand.load_attempts(held_ids, held_dispatches) l;
  end if;
  return next;
end;
$$;
