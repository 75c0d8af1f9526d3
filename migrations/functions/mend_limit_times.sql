-- Pulls back the times of these keys that are in the future because Postgres's clock was set back: starts to
-- now, and holds to the longest one (a day). Otherwise nothing would start until the clock is there again. The
-- caller has locked the keys.
create or replace function errand.mend_limit_times(limits text[], keys text[]) returns void
  language sql volatile
as $$
  update errand.limit_starts s
     set bucket_end = rate.bucket_end
    from errand.limits l
   cross join lateral (
     select errand.rate_bucket(clock_timestamp(), errand.rate_window(l.slots, l.period_ms, l.burst), least(l.burst, l.slots)) as bucket_end) rate
   where (s.limit_name, s.key) in (select * from unnest(limits, keys))
     and l.name = s.limit_name and l.period_ms is not null
     and s.bucket_end > rate.bucket_end;
  update errand.limit_keys k
     set held_until = clock_timestamp() + interval '1 day'
   where (k.limit_name, k.key) in (select * from unnest(limits, keys)) and k.held_until > clock_timestamp() + interval '1 day';
$$;
