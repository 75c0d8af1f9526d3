-- Counts starts that are admitted now: one for each time that a key of a rate is given. The caller has locked
-- the keys. It forgets starts that are older than their windows. If Postgres's clock was set back, it moves
-- starts of the future to now: otherwise they would count for as long as it was set back.
create or replace function errand.count_starts(limits text[], keys text[]) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
declare
  at  timestamptz := clock_timestamp();
begin
  with given as materialized (
    select g.limit_name, g.key, count(*) as starts, bucket.width, errand.rate_bucket(at, bucket.width, least(l.burst, l.slots)) as bucket_end
      from unnest(limits, keys) as g (limit_name, key)
      join errand.limits l on l.name = g.limit_name
     cross join lateral (select errand.rate_window(l.slots, l.period_ms, l.burst) as width) bucket
     where l.period_ms is not null
     group by g.limit_name, g.key, l.slots, l.burst, bucket.width
  ),
  -- The rows that say something else than they should. One that is added to is written again.
  gone as (
    delete from errand.limit_starts s
     using given g
     where s.limit_name = g.limit_name and s.key = g.key
       and (s.bucket_end <= at - g.width or s.bucket_end >= g.bucket_end)
    returning s.limit_name, s.key, s.bucket_end, s.starts
  )
  insert into errand.limit_starts (limit_name, key, bucket_end, starts)
  select g.limit_name, g.key, g.bucket_end,
         g.starts + coalesce((select sum(o.starts)
                                from gone o
                               where o.limit_name = g.limit_name and o.key = g.key and o.bucket_end >= g.bucket_end), 0)
    from given g;
end;
$$;
