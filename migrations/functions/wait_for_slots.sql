-- Lets tasks wait, each for one key. A task keeps its place: that of its priority and of when it was due. It
-- is for errand.take_slots, which has locked the tasks and the keys.
create or replace function errand.wait_for_slots(task_ids uuid[], limits text[], keys text[]) returns void
  language sql volatile
as $$
  with parted as (
    update errand.tasks t
       set dispatch_id = gen_random_uuid()
      from unnest(task_ids, limits, keys) as g (id, limit_name, key)
     where t.id = g.id
    returning t.id, g.limit_name, g.key, t.name, t.version, t.priority, t.run_at, t.dispatch_id
  )
  insert into errand.limit_waits as w (task_id, limit_name, key, name, version, priority, run_at, dispatch_id)
  select id, limit_name, key, name, version, priority, run_at, dispatch_id from parted
  on conflict (task_id) do update
     set limit_name = excluded.limit_name,
         key = excluded.key,
         name = excluded.name,
         version = excluded.version,
         priority = excluded.priority,
         run_at = excluded.run_at,
         dispatch_id = excluded.dispatch_id,
         called_at = null;
$$;
