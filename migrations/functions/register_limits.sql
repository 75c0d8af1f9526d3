-- Makes errand.limits what the registered definitions say. If several definitions share a limit and disagree,
-- the one that was registered last decides. What operators have set stays, also while no definition has the
-- limit. Then calls who waits for a limit that is larger now, or is gone.
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
    delete from errand.limits l where l.set_at is null and not exists (select from declared where declared.name = l.name)
  ),
  undeclared as (
    update errand.limits l
       set declared_slots = null,
           updated_at = now()
     where l.set_at is not null and l.declared_slots is not null
       and not exists (select from declared where declared.name = l.name)
  )
  insert into errand.limits as l (name, declared_slots)
  select name, slots from declared order by name
  on conflict (name) do update
     set declared_slots = excluded.declared_slots,
         updated_at = now()
   where l.declared_slots is distinct from excluded.declared_slots;
  perform errand.repair_limits('', '');
end;
$$;
