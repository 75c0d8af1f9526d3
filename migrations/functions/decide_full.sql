-- Decides about first attempts that find no room, by `whenFull` of the rule: one for each task, with its limit and
-- key. It is for errand.take_slots, which has locked the keys. A null way lets the task wait. Gives those of
-- these tasks that must not wait.
--
-- - discard: the task ends.
-- - replace: of the tasks of its name that wait for the key, the newest stays, and the others end.
-- - cancel: as replace; and for a new one that stays, the oldest attempt of its name that has a slot is asked to
--   end, unless another one is ending already.
--
-- It only writes who must end: it locks no task. After a crash before the commit nothing is decided.
create or replace function errand.decide_full(task_ids uuid[], limits text[], keys text[], ways text[]) returns uuid[]
  language plpgsql
as $$
declare
  refused  uuid[];
begin
  with fresh as materialized (
    select g.id, g.limit_name, g.key, g.way, t.name
      from unnest(task_ids, limits, keys, ways) as g (id, limit_name, key, way)
      join errand.tasks t on t.id = g.id
     where g.way is not null
  ),
  -- Those of one name at one key, the newest first.
  rivals as materialized (
    select r.*, row_number() over (partition by r.limit_name, r.key, r.name order by r.id desc) as place
      from (select f.id, f.limit_name, f.key, f.name, f.way from fresh f where f.way <> 'discard'
             union
            select w.task_id, f.limit_name, f.key, f.name, null
              from (select distinct limit_name, key, name from fresh where way <> 'discard') f
              join errand.limit_waits w on w.limit_name = f.limit_name and w.key = f.key and w.name = f.name
             where w.task_id <> all (task_ids)) r
     where not exists (select from errand.limit_ends e where e.task_id = r.id)
  ),
  holders as (
    select h.task_id, n.limit_name
      from (select * from rivals where place = 1 and way = 'cancel') n
     cross join lateral (
             select s.task_id,
                    bool_or(t.cancel_requested_at is not null or e.task_id is not null) over () as is_one_ending,
                    row_number() over (order by s.taken_at, s.task_id) as place
               from errand.limit_slots s
               join errand.tasks t on t.id = s.task_id
               left join errand.limit_ends e on e.task_id = s.task_id
              where s.limit_name = n.limit_name and s.key = n.key and t.name = n.name) h
     where h.place = 1 and not h.is_one_ending
  ),
  ends as (
    insert into errand.limit_ends (task_id, limit_name, code)
    select id, limit_name, 'LIMIT_FULL' from fresh where way = 'discard'
     union
    select id, limit_name, 'REPLACED' from rivals where place > 1
     union
    select task_id, limit_name, 'REPLACED' from holders
    on conflict do nothing
    returning task_id
  )
  select coalesce(array_agg(e.task_id), '{}') into refused from ends e where e.task_id = any (task_ids);
  return refused;
end;
$$;
