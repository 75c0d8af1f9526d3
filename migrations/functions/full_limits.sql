-- The submitted tasks that have to wait for a slot, as far as can be seen without locks, with the rule that
-- leaves the least. `items` is an array of [id, rules], where a rule is [name of the limit, key], in the order
-- in which they were submitted. At a limit without keys the turn key is that of their first rule with a key.
create or replace function errand.full_limits(items jsonb)
  returns table (task_id uuid, limit_name text, key text, turn_key text)
  language sql stable strict
as $$
  with asked as materialized (
    select (item.value ->> 0)::uuid as task_id, rule.value ->> 0 as limit_name, rule.value ->> 1 as key, l.slots, l.period_ms, l.burst,
           rule.ordinal, item.value -> 1 as rules,
           row_number() over (partition by rule.value ->> 0, rule.value ->> 1 order by item.ordinal) as place
      from jsonb_array_elements(items) with ordinality as item (value, ordinal)
     cross join lateral jsonb_array_elements(item.value -> 1) with ordinality as rule (value, ordinal)
      join errand.limits l on l.name = rule.value ->> 0
  ),
  room as materialized (
    select k.limit_name, k.key,
           case
             when exists (select from errand.limit_waits w where w.limit_name = k.limit_name and w.key = k.key) then 0
             when exists (select
                            from errand.limit_keys h
                           where h.limit_name = k.limit_name and h.key = k.key and h.held_until > clock_timestamp()) then 0
             when k.period_ms is not null then errand.rate_room(k.limit_name, k.key, k.slots, k.period_ms, k.burst)
             else k.slots - (select count(*) from errand.limit_slots s where s.limit_name = k.limit_name and s.key = k.key)
           end as free
      from (select distinct a.limit_name, a.key, a.slots, a.period_ms, a.burst from asked a) k
  )
  select distinct on (a.task_id) a.task_id, a.limit_name, a.key,
         case when a.key = ''
              then coalesce((select rule.value ->> 1
                               from jsonb_array_elements(a.rules) with ordinality as rule (value, ordinal)
                              where rule.value ->> 1 <> ''
                              order by rule.ordinal
                              limit 1), '')
              else '' end
    from asked a
    join room r on r.limit_name = a.limit_name and r.key = a.key
   where a.place > r.free
   order by a.task_id, greatest(r.free, 0), a.ordinal desc;
$$;
