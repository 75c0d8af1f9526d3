-- The number of the attempt after a retry. A task that never started has not used its attempt.
-- Postgres inlines the expression.
create or replace function errand.next_attempt(attempt integer, started_at timestamptz) returns integer
  language sql immutable parallel safe
return case when started_at is null then attempt else attempt + 1 end;
