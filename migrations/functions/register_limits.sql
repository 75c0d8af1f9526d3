-- Makes errand.limits what the registered definitions say. If several definitions share a limit and disagree,
-- the one that was registered last decides. What operators have set stays, also while no definition has the
-- limit. Then calls who waits for a limit that is larger now, or is gone.
create or replace function errand.register_limits() returns void
  language plpgsql
as $$
begin
  with declared as materialized (
    select distinct on (r.limit_name) r.limit_name as name, r.slots, r.period_ms, r.burst
      from errand.limit_rules() r
     order by r.limit_name, r.registered_at desc, r.definition
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
  insert into errand.limits as l (name, declared_slots, period_ms, declared_burst)
  select name, slots, period_ms, burst from declared order by name
  on conflict (name) do update
     set declared_slots = excluded.declared_slots,
         period_ms = excluded.period_ms,
         declared_burst = excluded.declared_burst,
         updated_at = now()
   where (l.declared_slots, l.period_ms, l.declared_burst)
         is distinct from (excluded.declared_slots, excluded.period_ms, excluded.declared_burst);
  perform errand.repair_limits('', '');
end;
$$;
