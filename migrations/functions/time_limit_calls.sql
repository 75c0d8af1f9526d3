-- Writes for these keys when room comes by itself for those that wait: when enough starts of a rate are
-- forgotten, and not before a hold ends. The caller has locked the keys and called all that find room. For
-- others somebody makes room: their call_at is null.
create or replace function errand.time_limit_calls(limits text[], keys text[]) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
begin
  if not exists (
       select
         from errand.limit_keys k
         left join errand.limits l on l.name = k.limit_name
        where (k.limit_name, k.key) in (select * from unnest(limits, keys))
          and (l.period_ms is not null or k.held_until is not null or k.call_at is not null)) then
    return;
  end if;
  with timed as (
    select k.limit_name, k.key,
           case when exists (select
                               from errand.limit_waits w
                              where w.limit_name = k.limit_name and w.key = k.key and w.called_at is null)
                then greatest(case when k.held_until > clock_timestamp() then k.held_until end, forgotten.at)
           end as call_at
      from errand.limit_keys k
      left join errand.limits l on l.name = k.limit_name
      left join lateral (
        select count(*) as called
          from errand.limit_waits c
         where c.limit_name = k.limit_name and c.key = k.key
           and c.called_at >= clock_timestamp() - errand.limit_call_time()) kept on l.period_ms is not null
      -- The start that, once it is forgotten, leaves room for one more than those that were called.
      left join lateral (
        select s.bucket_end + s.width as at
          from (select o.bucket_end, rate.width, sum(o.starts) over (order by o.bucket_end desc) as newer
                  from (select errand.rate_window(l.slots, l.period_ms, l.burst) as width) rate
                  join errand.limit_starts o
                    on o.limit_name = k.limit_name and o.key = k.key and o.bucket_end > clock_timestamp() - rate.width) s
         where s.newer + kept.called >= least(l.burst, l.slots)
         order by s.bucket_end desc
         limit 1) forgotten on l.period_ms is not null
     where (k.limit_name, k.key) in (select * from unnest(limits, keys))
  )
  update errand.limit_keys k
     set call_at = timed.call_at
    from timed
   where k.limit_name = timed.limit_name and k.key = timed.key and k.call_at is distinct from timed.call_at;
end;
$$;
