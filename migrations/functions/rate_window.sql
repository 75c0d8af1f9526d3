-- The time in which at most `burst` attempts start under a rate. In any of its periods so many windows find
-- room that no more than `slots` start, also if the burst does not divide the slots. Null if nothing may start.
-- Postgres inlines it.
create or replace function errand.rate_window(slots integer, period_ms bigint, burst integer) returns interval
  language sql immutable parallel safe
return make_interval(secs => ceil(period_ms * 1000.0 / (slots / nullif(least(burst, slots), 0)))::float8 / 1000000);
