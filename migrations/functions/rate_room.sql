-- How many attempts may start now under a rate, for this key. Uses limit_starts_key_idx.
create or replace function errand.rate_room(of_limit text, of_key text, slots integer, period_ms bigint, burst integer)
  returns bigint
  language sql stable
as $$
  select least(burst, slots) - coalesce(sum(s.starts), 0)
    from errand.limit_starts s
   where s.limit_name = of_limit and s.key = of_key
     and s.bucket_end > clock_timestamp() - errand.rate_window(slots, period_ms, burst);
$$;
