-- The time that is written for a start of this moment, never before it. With a small burst it is the moment;
-- with a larger one the end of a sixtieth of the window, so that a key has about sixty rows at most.
create or replace function errand.rate_bucket(at timestamptz, rate_window interval, burst integer) returns timestamptz
  language sql stable parallel safe
return case
  when burst <= 60 then at
  else date_bin(rate_window / 60, at, '2000-01-01 00:00:00Z') + rate_window / 60
end;
