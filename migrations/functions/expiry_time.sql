-- When a task ends unless it has started: so many ms after it is due, or after now if it was due before. Null
-- without a number. No later than the last time of the wire. Postgres inlines the expression.
create or replace function errand.expiry_time(run_at timestamptz, expires_in_ms float8) returns timestamptz
  language sql stable
return case when expires_in_ms is not null
            then least(greatest(run_at, now()) + make_interval(secs => expires_in_ms / 1000), '9999-12-31 23:59:59.999999Z') end;
