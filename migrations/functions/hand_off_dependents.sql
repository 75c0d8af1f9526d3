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
  seed              uuid := gen_random_uuid();
  -- The steps that wait for these children, how many each, and the dispatches of those that wait for nothing more.
  step_ids          uuid[];
  step_counts       integer[];
  step_dispatches   uuid[];
  -- The parent of each step that is due now.
  begun             uuid[] := '{}';
  -- The parents that change, by how much, and the dispatches of those that wait for nothing more.
  parent_ids        uuid[];
  parent_counts     integer[];
  parent_dispatches uuid[];
  parent_endings    jsonb[];
  -- What is due now.
  due_ids           uuid[];
  due_names         text[];
  due_priorities    smallint[];
  due_dispatches    uuid[];
  due_times         timestamptz[];
begin
  -- Several small statements: one large one took twice as long for a single child. The parents are locked, so what
  -- is read stays true.
  select array_agg(w.id), array_agg(w.done),
         array_agg(case when not w.is_due then null
                        when w.place <= room then errand.held_dispatch_id(runner)
                        else errand.shared_dispatch_id(seed, w.name, w.priority, w.part) end)
    into step_ids, step_counts, step_dispatches
    from (select w.id, w.name, w.priority, (min(e.ordinal) - 1) / 100 as part, count(*)::integer as done,
                 w.pending = count(*) as is_due,
                 case when w.pending = count(*) and w.name = any (names)
                      then row_number() over (partition by w.pending = count(*) and w.name = any (names) order by w.id) end as place
            from unnest(parents, steps, satisfied) with ordinality as e (parent_id, step, satisfied, ordinal)
           -- Offset 0: reads the children of each parent by their index, whatever the planner expects.
           cross join lateral (
             select s.id, s.name, s.priority, s.state, s.after, s.pending
               from errand.tasks s
              where s.parent_id = e.parent_id and s.step is not null
             offset 0) w
           where e.satisfied and w.state = 'waiting' and e.step = any (w.after)
           group by w.id, w.name, w.priority, w.pending) w;

  if step_ids is not null then
    with counted as (
      update errand.tasks t
         set pending = t.pending - u.done,
             state = case when t.pending = u.done then 'queued' else t.state end,
             dispatch_id = case when t.pending = u.done then u.dispatch_id end,
             run_at = case when t.pending = u.done then now() else t.run_at end
        from unnest(step_ids, step_counts, step_dispatches) as u (id, done, dispatch_id)
       where t.id = u.id and t.state = 'waiting'
      returning t.id, t.parent_id, t.name, t.priority, t.dispatch_id, t.run_at
    )
    select coalesce(array_agg(parent_id), '{}'), array_agg(id), array_agg(name), array_agg(priority), array_agg(dispatch_id),
           array_agg(run_at)
      into begun, due_ids, due_names, due_priorities, due_dispatches, due_times
      from counted
     where dispatch_id is not null;
  end if;

  -- Each child that has ended leaves its parent's count, and each step that is due now is in it already.
  select array_agg(j.id), array_agg(j.fewer),
         array_agg(case when not j.is_due or j.ends then null
                        when j.place <= room then errand.held_dispatch_id(runner)
                        else errand.shared_dispatch_id(seed, j.name, j.priority, j.part) end),
         array_agg(case when j.ends then j.ending::jsonb end)
    into parent_ids, parent_counts, parent_dispatches, parent_endings
    from (select j.*,
                 case when j.is_due and not j.ends and j.name = any (names)
                      then coalesce((select count(*) from unnest(due_dispatches) as d (id) where d.id between errand.first_held(runner) and errand.last_held(runner)), 0)
                           + row_number() over (partition by j.is_due and not j.ends and j.name = any (names) order by j.id) end as place
            from (select q.id, q.name, q.priority, q.state, q.started_at, e.part, e.ending, e.fewer,
                         q.pending = e.fewer as is_due,
                         e.ending is not null and q.pending = e.fewer and q.cancel_requested_at is null and q.parent_id is null
                           and not exists (select
                                             from errand.tasks s
                                            where s.parent_id = q.id and s.state in ('failed', 'cancelled', 'expired'))
                           and not exists (select from errand.pauses p where starts_with(q.name || '.', p.target || '.')) as ends
                    from (select e.parent_id, (min(e.ordinal) - 1) / 100 as part, max(e.ending) as ending,
                                 sum(e.change)::integer as fewer
                            from (select g.parent_id, g.ending, g.ordinal, 1 as change
                                    from unnest(parents, endings) with ordinality as g (parent_id, ending, ordinal)
                                   union all
                                  select b.id, null, null, -1 from unnest(begun) as b (id)) e
                           group by e.parent_id) e
                    join errand.tasks q on q.id = e.parent_id
                   where q.pending > 0 and q.state in ('scheduled', 'running')) j
           -- One step after the other changes nothing of a workflow.
           where j.fewer <> 0 or j.state <> 'running' or j.started_at is null) j;

  if parent_ids is not null then
    with resumed as (
      update errand.tasks t
         set pending = t.pending - u.fewer,
             state = case when u.ending is not null then 'succeeded'
                          when t.pending = u.fewer then 'queued'
                          -- Not due yet: a step of it was cancelled.
                          when t.state = 'scheduled' and t.run_at > now() and t.id <> all (begun) then t.state
                          else 'running' end,
             started_at = case when t.pending <> u.fewer and t.state = 'scheduled' and t.run_at > now() and t.id <> all (begun) then null
                               else coalesce(t.started_at, least(t.run_at, now())) end,
             dispatch_id = u.dispatch_id,
             run_at = case when u.dispatch_id is not null then now() else t.run_at end,
             finished_at = case when u.ending is not null then now() else t.finished_at end,
             runner_id = case when u.ending is not null then runner else t.runner_id end,
             result = case when u.ending is not null then nullif(u.ending, 'null') else t.result end,
             error = case when u.ending is null then t.error end
        from unnest(parent_ids, parent_counts, parent_dispatches, parent_endings) as u (id, fewer, dispatch_id, ending)
       where t.id = u.id and t.pending > 0 and t.state in ('scheduled', 'running')
      returning t.id, t.name, t.priority, t.dispatch_id, t.run_at, t.state
    )
    select due_ids || array_agg(id) filter (where dispatch_id is not null),
           due_names || array_agg(name) filter (where dispatch_id is not null),
           due_priorities || array_agg(priority) filter (where dispatch_id is not null),
           due_dispatches || array_agg(dispatch_id) filter (where dispatch_id is not null),
           due_times || array_agg(run_at) filter (where dispatch_id is not null),
           array_agg(id) filter (where state = 'succeeded')
      into due_ids, due_names, due_priorities, due_dispatches, due_times, ended
      from resumed;
    if ended is not null then
      -- The step for failures is not needed any more.
      update errand.tasks t
         set state = 'succeeded', skipped = true, finished_at = now(), pending = 0
       where t.parent_id = any (ended) and t.step = 'on_failure' and t.state = 'waiting';
    end if;
  end if;

  if due_ids is not null then
    if room < cardinality(due_ids) or not due_names <@ names then
      perform errand.add_dispatches(array_agg(d.id), array_agg(d.name), array_agg(d.priority), array_agg(d.dispatch_id), array_agg(d.run_at))
         from unnest(due_ids, due_names, due_priorities, due_dispatches, due_times) as d (id, name, priority, dispatch_id, run_at)
        where (d.dispatch_id between errand.first_held(runner) and errand.last_held(runner)) is not true
       having count(*) > 0;
    end if;
    if room > 0 then
      select json_agg(json_build_array(l.dispatch_id, l.due::json))::text into held
        from errand.load_attempts(due_ids, due_dispatches) l
       where l.dispatch_id between errand.first_held(runner) and errand.last_held(runner);
    end if;
  end if;
  return next;
end;
$$;
