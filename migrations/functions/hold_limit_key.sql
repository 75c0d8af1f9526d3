-- Lets nothing more of a key start for so many milliseconds, or for longer if it is held for longer already.
-- Attempts that run, or were admitted, go on. Who waits is called when the time is over.
create or replace function errand.hold_limit_key(of_limit text, of_key text, ms float8) returns void
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
begin
  perform errand.lock_limit_keys(array[of_limit], array[of_key]);
  update errand.limit_keys k
     set held_until = greatest(k.held_until, clock_timestamp() + make_interval(secs => ms / 1000))
   where k.limit_name = of_limit and k.key = of_key;
  perform errand.time_limit_calls(array[of_limit], array[of_key]);
end;
$$;
