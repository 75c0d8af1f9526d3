-- Makes errand.limits what the registered definitions say. If several definitions share a limit and disagree,
-- the one that was registered last decides. Then calls who waits for a limit that is larger now, or is gone.
create or replace function errand.register_limits() returns void
  language plpgsql
as $$
begin
  with declared as materialized (
    select distinct on (rule ->> 'name') rule ->> 'name' as name, (rule ->> 'limit')::integer as slots,
           ceil((rule ->> 'periodSeconds')::numeric * 1000)::bigint as period_ms, (rule ->> 'burst')::integer as burst
      from errand.definitions d
     cross join unnest(array['concurrency', 'rate']) as kind (member)
     cross join lateral jsonb_array_elements(
             case when jsonb_typeof(d.policy -> kind.member) = 'array' then d.policy -> kind.member else '[]' end) rule
     where kind.member = 'rate' or rule ->> 'scope' = 'pool'
     order by rule ->> 'name', d.registered_at desc, d.name
  ),
  gone as (
    delete from errand.limits l where not exists (select from declared where declared.name = l.name)
  )
  insert into errand.limits as l (name, slots, period_ms, burst)
  select name, slots, period_ms, burst from declared order by name
  on conflict (name) do update
     set slots = excluded.slots,
         period_ms = excluded.period_ms,
         burst = excluded.burst,
         updated_at = now()
   where (l.slots, l.period_ms, l.burst) is distinct from (excluded.slots, excluded.period_ms, excluded.burst);
  perform errand.repair_limits('', '');
end;
$$;
