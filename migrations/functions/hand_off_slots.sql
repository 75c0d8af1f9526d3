-- Frees the slots of attempts of a runner that have ended, as errand.free_slots. But up to `room` slots of attempts
-- that have no other one go to the next task that waits at once: the runner holds that task (errand.held_dispatch_id), and starts
-- it when it has the answer, without a call, a dispatch and another statement for its slot. The slot keeps its
-- row, with the attempt that took it, until the runner frees it. Only for tasks of these `names`, which need no
-- other slot; who waits longer is not passed over. At limits without keys, whose keys of turns alternate, tasks are
-- called as usual.
--
-- `held` has them as errand.hand_off_dependents does, and `slots`, as a JSON object by dispatch id, the slot of each:
-- [the task and the dispatch of the attempt that took it, the limit, the key]. Both are null if there is none. The
-- caller has locked all tasks that it changes before.
--
-- After a crash before the commit nothing has changed. After the commit the tasks and the slots are the runner's:
-- its recovery dispatches the tasks, and frees the slots. If the answer is lost, the record is repeated, which frees
-- the slots, and the runner dispatches what it holds and does not know of.
create or replace function errand.hand_off_slots(task_ids uuid[], dispatch_ids uuid[], runner integer, names text[], room integer)
  returns table (held text, slots text)
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  limits           text[];
  keys             text[];
  held_ids         uuid[];
  held_dispatches  uuid[];
  slot_ids         uuid[] := '{}';
  slot_dispatches  uuid[] := '{}';
  slot_limits      text[];
  slot_keys        text[];
begin
  select array_agg(s.limit_name), array_agg(s.key) into limits, keys
    from (select distinct s.limit_name, s.key
            from unnest(task_ids, dispatch_ids) as g (task_id, dispatch_id)
            join errand.limit_slots s using (task_id, dispatch_id)
           where s.runner_id = runner) s;
  if limits is null then return next; return; end if;
  perform errand.lock_limit_keys(limits, keys);

  if room > 0 then
    with slot as materialized (
      select s.limit_name, s.key, count(*) as number, array_agg(s.task_id order by s.task_id) as task_ids,
             array_agg(s.dispatch_id order by s.task_id) as dispatch_ids
        from unnest(task_ids, dispatch_ids) as g (task_id, dispatch_id)
        join errand.limit_slots s using (task_id, dispatch_id)
       where s.runner_id = runner and s.key <> ''
         -- The task and the dispatch name one slot only.
         and not exists (
               select
                 from errand.limit_slots other
                where other.task_id = s.task_id and other.dispatch_id = s.dispatch_id
                  and (other.limit_name, other.key) <> (s.limit_name, s.key))
       group by s.limit_name, s.key
    ),
    next as (
      select g.limit_name, g.key, g.task_ids, g.dispatch_ids, w.task_id, w.dispatch_id,
             row_number() over first as place, bool_and(w.name = any (names)) over first as is_ours
        from slot g
        join errand.limits l on l.name = g.limit_name and l.period_ms is null
        join errand.limit_keys k on k.limit_name = g.limit_name and k.key = g.key
       cross join lateral errand.next_limit_waits(g.limit_name, g.key, '', g.number) w
       where (k.held_until > clock_timestamp()) is not true
         -- Otherwise the limit is smaller now, or slots are kept for others.
         and (select count(*) from errand.limit_slots s where s.limit_name = g.limit_name and s.key = g.key)
             + (select count(*)
                  from errand.limit_waits c
                 where c.limit_name = g.limit_name and c.key = g.key and c.called_at is not null
                   and c.called_at >= clock_timestamp() - errand.limit_call_time()) <= l.slots
      window first as (partition by g.limit_name, g.key order by w.rank, w.place_at, w.task_id)
    ),
    -- No join: the planner expects one row of each, and would compare all with all.
    paired as materialized (
      select n.task_id, n.dispatch_id, n.limit_name, n.key, n.task_ids[n.place] as slot_id, n.dispatch_ids[n.place] as slot_dispatch
        from next n
       where n.is_ours
       order by n.place, n.limit_name, n.key
       limit room
    ),
    -- With a key locked nobody waits for a task.
    locked as materialized (
      select t.id
        from paired p
        join errand.tasks t on t.id = p.task_id and t.dispatch_id = p.dispatch_id
       where t.state in ('scheduled', 'queued', 'retrying') and (t.expires_at is null or t.expires_at > now())
         and not exists (select from errand.limit_ends e where e.task_id = t.id)
         for no key update of t skip locked
    ),
    held as (
      update errand.tasks t
         set dispatch_id = errand.held_dispatch_id(runner)
       where t.id = any (array(select id from locked))
      returning t.id, t.dispatch_id
    ),
    no_waits as (
      delete from errand.limit_waits w where w.task_id = any (array(select id from locked))
    )
    select array_agg(held.id), array_agg(held.dispatch_id), coalesce(array_agg(p.slot_id), '{}'),
           coalesce(array_agg(p.slot_dispatch), '{}'), array_agg(p.limit_name), array_agg(p.key)
      into held_ids, held_dispatches, slot_ids, slot_dispatches, slot_limits, slot_keys
      from held
      join paired p on p.task_id = held.id;
  end if;

  with freed as (
    delete from errand.limit_slots s
     using (select * from unnest(task_ids, dispatch_ids)
            except
            select * from unnest(slot_ids, slot_dispatches)) as g (task_id, dispatch_id)
     where s.task_id = g.task_id and s.dispatch_id = g.dispatch_id and s.runner_id = runner
    returning s.limit_name, s.key
  )
  select array_agg(f.limit_name), array_agg(f.key) into limits, keys
    from (select distinct limit_name, key from freed) f
    -- Only after the keys are locked: before, a wait may have come that is not committed.
   where exists (select from errand.limit_waits w where w.limit_name = f.limit_name and w.key = f.key);
  if limits is not null then
    perform errand.call_limit_waits(limits, keys);
  end if;
  if held_ids is not null then
    select json_agg(json_build_array(l.dispatch_id, l.due::json))::text into held
      from errand.load_attempts(held_ids, held_dispatches) l;
    select json_object_agg(h.dispatch_id, json_build_array(h.slot_id, h.slot_dispatch, h.limit_name, h.key))::text into slots
      from unnest(held_dispatches, slot_ids, slot_dispatches, slot_limits, slot_keys)
             as h (dispatch_id, slot_id, slot_dispatch, limit_name, key);
  end if;
  return next;
end;
$$;
