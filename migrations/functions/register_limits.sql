-- Makes errand.limits what the registered definitions say. If several definitions share a limit and disagree,
-- the one that was registered last decides. Then calls who waits for a limit that is larger now, or is gone.
create or replace function errand.register_limits() returns void
  language plpgsql
as $$
begin
  with declared as materialized (
    select distinct on (rule ->> 'name') rule ->> 'name' as name, (rule ->> 'limit')::integer as slots
      from errand.definitions d
     cross join lateral jsonb_array_elements(
             case when jsonb_typeof(d.policy -> 'concurrency') = 'array' then d.policy -> 'concurrency' else '[]' end) rule
     where rule ->> 'scope' = 'pool'
     order by rule ->> 'name', d.registered_at desc, d.name
  ),
  gone as (
    delete from errand.limits l where not exists (select from declared where declared.name = l.name)
  )
  insert into errand.limits as l (name, slots)
  select name, slots from declared order by name
  on conflict (name) do update
     set slots = excluded.slots,
         updated_at = now()
   where l.slots <> excluded.slots;
  perform errand.repair_limits('', '');
end;
$$;
