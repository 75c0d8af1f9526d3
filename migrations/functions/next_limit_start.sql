-- When the next attempt of a key may start, as far as time decides: not before a hold ends, and not before
-- enough starts of a rate are forgotten. Null: now, or when a slot is free. Reads the starts of one window by
-- limit_starts_key_idx. Of a limit without a value, or one that is paused, the hold alone counts.
create or replace function errand.next_limit_start(of_limit text, of_key text) returns timestamptz
  language sql stable
as $$
  select greatest(
           (select k.held_until
              from errand.limit_keys k
             where k.limit_name = of_limit and k.key = of_key and k.held_until > clock_timestamp()),
           (select s.bucket_end + s.width
              from (select o.bucket_end, l.burst, l.slots, rate.width, sum(o.starts) over (order by o.bucket_end desc) as newer
                      from errand.limits l
                     cross join lateral (select errand.rate_window(l.slots, l.period_ms, l.burst) as width) rate
                      join errand.limit_starts o
                        on o.limit_name = l.name and o.key = of_key and o.bucket_end > clock_timestamp() - rate.width
                     where l.name = of_limit and l.period_ms is not null) s
             where s.newer >= least(s.burst, s.slots)
             order by s.bucket_end desc
             limit 1));
$$;
