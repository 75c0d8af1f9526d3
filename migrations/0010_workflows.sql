-- Workflows. A step is a task whose parent is the task of its workflow; a workflow, and a step that fans out, is a task
-- with children. Both wait by one rule: `pending` counts what a task waits for, whatever of it ends counts it down, and
-- who takes it to 0 queues the task. A parent that is queued so runs, and sees what its children came to.

alter table errand.definitions
  -- Of a workflow: its graph, which the rows of its steps are made from.
  add column steps jsonb,
  -- Of a step: the name of its workflow. Nobody submits a step.
  add column workflow text;

alter table errand.tasks
  add column parent_id uuid references errand.tasks (id) on delete cascade,
  -- Its name in the graph of its parent; null for one of a list that its parent made.
  add column step text collate "C",
  -- The steps that it comes after: the edges of the graph.
  add column after text[],
  -- Of a parent: how many it has; null for all others.
  add column children integer,
  -- What it waits for, how many: steps that it comes after, or children that are due or under way.
  add column pending integer not null default 0,
  -- It succeeded without being run, because its condition did not hold.
  add column skipped boolean not null default false;

-- The children of a task, and a step by its name. Plain tasks cost it nothing.
create unique index tasks_parent_id_step_key on errand.tasks (parent_id, step) where parent_id is not null;

-- Of the children that ended: counts down those that come after them, and their parents; queues who waits for nothing
-- any more. `satisfied` says of each whether others may go on from it. The caller has locked the parents, which makes
-- it one at a time per parent, and parents before children, by id, which keeps callers from deadlocks.
--
-- No step is queued twice: it leaves `waiting` in the update that finds its count at 0, of which there is one.
create function errand.settle(parents uuid[], steps text[], satisfied boolean[]) returns void
  language plpgsql
as $$
declare
  rung integer;
begin
  with ended as materialized (
    select e.parent_id, count(*)::integer as tasks,
           coalesce(array_agg(e.step) filter (where e.satisfied and e.step is not null), '{}') as done
      from unnest(parents, steps, satisfied) as e (parent_id, step, satisfied)
     group by e.parent_id
  ),
  follower as materialized (
    select t.id, t.name, t.priority, count(*)::integer as done,
           (row_number() over (partition by t.name, t.priority order by t.id) - 1) / 100 as part
      from ended e
      join errand.tasks t on t.parent_id = e.parent_id and t.state = 'waiting'
     cross join lateral unnest(t.after) as before (step)
     where before.step = any (e.done)
     group by t.id
  ),
  follower_rings as materialized (
    select part.*, gen_random_uuid() as ring from (select distinct name, priority, part from follower) part
  ),
  counted as (
    update errand.tasks t
       set pending = t.pending - f.done,
           (state, ring, run_at) = (
             select 'queued', r.ring, now() where t.pending = f.done
             union all
             select t.state, t.ring, t.run_at where t.pending <> f.done
           )
      from follower f
      join follower_rings r using (name, priority, part)
     where t.id = f.id and t.state = 'waiting'
    returning t.id, t.parent_id, t.name, t.priority, t.ring, t.run_at, t.state
  ),
  parent as materialized (
    select t.id, t.name, t.priority,
           e.tasks - (select count(*) from counted c where c.parent_id = e.parent_id and c.state = 'queued')::integer as fewer,
           (row_number() over (partition by t.name, t.priority order by t.id) - 1) / 100 as part
      from ended e
      join errand.tasks t on t.id = e.parent_id
  ),
  parent_rings as materialized (
    select part.*, gen_random_uuid() as ring from (select distinct name, priority, part from parent) part
  ),
  resumed as (
    update errand.tasks t
       set pending = t.pending - p.fewer,
           started_at = coalesce(t.started_at, now()),
           (state, ring, run_at) = (
             select 'queued', r.ring, now() where t.pending = p.fewer
             union all
             select 'running', null::uuid, t.run_at where t.pending <> p.fewer
           )
      from parent p
      join parent_rings r using (name, priority, part)
     where t.id = p.id and t.pending > 0 and t.state in ('scheduled', 'running')
    returning t.id, t.name, t.priority, t.ring, t.run_at, t.state
  ),
  due as (
    select id, name, priority, ring, run_at from counted where state = 'queued'
     union all
    select id, name, priority, ring, run_at from resumed where state = 'queued'
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array_agg(id order by id)) as spec
      from due
     group by ring, name, priority, run_at
  )
  select count(*) into rung
    from (select array_agg(spec) as specs from rings having count(*) > 0) due_rings
   cross join lateral graphile_worker.add_jobs(due_rings.specs);
end;
$$;

-- Counts up the parents of children that are due again, one for each in the list, and has those that had failed wait for
-- them; these then count for their own parents again, and so on upwards.
create function errand.revive(parents uuid[]) returns void
  language plpgsql
as $$
declare
  next uuid[] := parents;
begin
  while cardinality(next) > 0 loop
    with again as (
      select id, count(*)::integer as tasks from unnest(next) as p (id) group by id
    ),
    woken as (
      update errand.tasks t
         set pending = t.pending + again.tasks,
             state = 'running',
             attempt = t.attempt + (t.state = 'failed')::integer,
             max_attempts = greatest(t.max_attempts, t.attempt + (t.state = 'failed')::integer),
             ring = null,
             started_at = coalesce(t.started_at, now()),
             finished_at = null,
             runner_id = null,
             error = null
        from again
       where t.id = again.id and t.state in ('scheduled', 'queued', 'running', 'retrying', 'failed')
      returning t.parent_id, old.state as was
    )
    select coalesce(array_agg(parent_id) filter (where was = 'failed' and parent_id is not null), '{}')
      into next
      from woken;
  end loop;
end;
$$;

-- Has the children of a task that failed or were cancelled done again, and theirs, as a retry of the whole asks for (W4);
-- what was achieved stays. Gives for how many children the task has to wait. With `new_payload` the steps get that
-- payload, and `due` says when they are due.
create function errand.rearm_children(parent uuid, new_payload jsonb default null, due timestamptz default now())
  returns integer
  language plpgsql
as $$
declare
  nested  jsonb;
  rung    integer;
  active  integer;
begin
  perform from errand.tasks t where t.parent_id = parent order by t.id for no key update;
  -- Those that have children themselves wait for these, when there is something left to do.
  select coalesce(jsonb_object_agg(t.id, errand.rearm_children(t.id, null, due)), '{}')
    into nested
    from errand.tasks t
   where t.parent_id = parent and t.children > 0 and t.state in ('failed', 'cancelled');

  with candidate as materialized (
    select t.id, t.name, t.priority, coalesce((nested ->> t.id::text)::integer, 0) as under_way,
           case when t.step = 'on_failure' then 1
                else (select count(*)
                        from errand.tasks before
                       where before.parent_id = parent and before.step = any (t.after)
                         and before.state not in ('succeeded', 'resolved'))
           end::integer as before,
           (row_number() over (partition by t.name, t.priority order by t.id) - 1) / 100 as part
      from errand.tasks t
     where t.parent_id = parent
       and (t.state in ('failed', 'cancelled') or t.step = 'on_failure' and t.state in ('succeeded', 'resolved'))
  ),
  fresh as materialized (
    select part.*, gen_random_uuid() as ring from (select distinct name, priority, part from candidate) part
  ),
  again as (
    update errand.tasks t
       set (state, ring, pending, started_at) = (
             select 'waiting', null::uuid, c.before, null::timestamptz where c.before > 0
             union all
             select 'running', null::uuid, c.under_way, coalesce(t.started_at, now()) where c.before = 0 and c.under_way > 0
             union all
             select case when due > now() then 'scheduled' else 'queued' end, f.ring, 0,
                    case when t.children > 0 then t.started_at end
              where c.before = 0 and c.under_way = 0
           ),
           attempt = case when t.started_at is null then t.attempt else t.attempt + 1 end,
           max_attempts = greatest(t.max_attempts, case when t.started_at is null then t.attempt else t.attempt + 1 end),
           run_at = due,
           payload = case when t.step is null then t.payload else coalesce(new_payload, t.payload) end,
           finished_at = null,
           runner_id = null,
           result = null,
           error = null,
           cancel_requested_at = null,
           progress = null,
           progress_note = null,
           crashes = least(t.crashes, 1::smallint)
      from candidate c
      join fresh f using (name, priority, part)
     where t.id = c.id
    returning t.id, t.name, t.priority, t.ring, t.run_at
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array_agg(id order by id)) as spec
      from again
     where ring is not null
     group by ring, name, priority, run_at
  )
  select count(*) into rung
    from (select array_agg(spec) as specs from rings having count(*) > 0) due_rings
   cross join lateral graphile_worker.add_jobs(due_rings.specs);

  select count(*) into active
    from errand.tasks t
   where t.parent_id = parent and t.state in ('scheduled', 'queued', 'running', 'retrying');
  return active;
end;
$$;
