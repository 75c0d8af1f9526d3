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

-- The key of a ring that tasks of one name and priority share, of a fresh UUID: UUIDv8, a hash (RFC 9562).
create function errand.ring_key(seed uuid, name text, priority smallint, part bigint) returns uuid
  language sql immutable parallel safe
return overlay(overlay(md5(concat_ws(' ', seed, name, priority, part)) placing '8' from 13) placing '8' from 17)::uuid;

-- Of the children that ended: counts down those that come after them, and their parents; queues who waits for nothing
-- any more. `satisfied` says of each whether others may go on from it. The caller has locked the parents, which makes
-- it one at a time per parent, and parents before children, by id, which keeps callers from deadlocks.
--
-- No step is queued twice: it leaves `waiting` in the update that finds its count at 0, of which there is one.
create function errand.settle(parents uuid[], steps text[], satisfied boolean[]) returns void
  language plpgsql
as $$
declare
  -- Those of a name that are queued by one call share rings, by a hundred parents: their keys are made from this.
  seed  uuid := gen_random_uuid();
  rung  integer;
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
           ring = case when t.pending = f.done then errand.ring_key(seed, t.name, t.priority, f.part) end,
           run_at = case when t.pending = f.done then now() else t.run_at end
      from (
             select w.id, e.part, count(*)::integer as done
               from ended e
              -- Offset 0: the children of each parent by their index, whatever the planner thinks of all that wait.
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
    returning t.id, t.parent_id, t.name, t.priority, t.ring, t.run_at
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
           ring = case when t.pending = p.fewer then errand.ring_key(seed, t.name, t.priority, p.part) end,
           run_at = case when t.pending = p.fewer then now() else t.run_at end
      from (
             select e.parent_id, e.part, e.tasks - queued.followers as fewer, queued.followers > 0 as is_begun
               from ended e
              cross join lateral (
                select count(*)::integer as followers from counted c where c.parent_id = e.parent_id and c.ring is not null
              ) queued
           ) p
     where t.id = p.parent_id and t.pending > 0 and t.state in ('scheduled', 'running')
    returning t.id, t.name, t.priority, t.ring, t.run_at
  ),
  rings as (
    select errand.ring_spec(ring, name, priority, run_at, array_agg(id order by id)) as spec
      from (select id, name, priority, ring, run_at from counted
             union all
            select id, name, priority, ring, run_at from resumed) due
     where ring is not null
     group by ring, name, priority, run_at
  )
  select count(*) into rung
    from (select array_agg(spec) as specs from rings having count(*) > 0) due_rings
   cross join lateral graphile_worker.add_jobs(due_rings.specs);
end;
$$;
