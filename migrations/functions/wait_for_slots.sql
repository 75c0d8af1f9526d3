-- Lets tasks wait, each for one key, if they still name these dispatches. A task keeps its place: that of its
-- priority and of when it was due. Gives those that wait. It gives none that somebody else has locked now:
-- whoever has locked a key must not wait for a task. It is for errand.take_slots, which has locked the keys.
create or replace function errand.wait_for_slots(task_ids uuid[], dispatch_ids uuid[], limits text[], keys text[], turn_keys text[])
  returns uuid[]
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  waiting  uuid[];
begin
  with free as materialized (
    select t.id, g.limit_name, g.key, g.turn_key
      from unnest(task_ids, dispatch_ids, limits, keys, turn_keys) as g (id, dispatch_id, limit_name, key, turn_key)
      join errand.tasks t on t.id = g.id and t.dispatch_id = g.dispatch_id
     -- By the primary key, whatever the planner thinks of the states.
     where (t.state in ('scheduled', 'queued', 'retrying')) is true
       for no key update of t skip locked
  ),
  parted as (
    update errand.tasks t
       set dispatch_id = gen_random_uuid()
      from free
     where t.id = free.id
    returning t.id, free.limit_name, free.key, free.turn_key, t.name, t.version, t.priority, t.run_at, t.dispatch_id
  ),
  placed as (
    select p.*, place.rank, place.place_at
      from parted p
     cross join lateral errand.limit_place(p.name, p.priority, p.run_at) place
  ),
  waits as (
    insert into errand.limit_waits as w (task_id, limit_name, key, turn_key, name, version, priority, rank, run_at, place_at, dispatch_id)
    select id, limit_name, key, turn_key, name, version, priority, rank, run_at, place_at, dispatch_id from placed
    on conflict (task_id) do update
       set limit_name = excluded.limit_name,
           key = excluded.key,
           turn_key = excluded.turn_key,
           name = excluded.name,
           version = excluded.version,
           priority = excluded.priority,
           rank = excluded.rank,
           run_at = excluded.run_at,
           place_at = excluded.place_at,
           dispatch_id = excluded.dispatch_id,
           called_at = null
    returning w.task_id, w.limit_name, w.key, w.turn_key, w.first_called_at
  ),
  turns as (
    insert into errand.limit_turns (limit_name, turn_key, last_turn)
    -- One that was called had its turn, and has not used it.
    select limit_name, turn_key, min(coalesce(first_called_at, clock_timestamp())) from waits where key = '' group by 1, 2
    on conflict (limit_name, turn_key) do update
       set last_turn = least(limit_turns.last_turn, excluded.last_turn)
  )
  select array_agg(task_id) into waiting from waits;
  return waiting;
end;
$$;
