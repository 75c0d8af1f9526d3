-- Whether a debounced task still waits for the end of its burst at the time `as_of`, so that a
-- submission with this version can replace its payload. A time is only the rule. What makes it safe is
-- the lock of the row, and that a runner writes the start of a debounced task before it runs.
create or replace function errand.is_movable(t errand.tasks, version text, as_of timestamptz) returns boolean
  language sql stable parallel safe
return t.state = 'scheduled' and t.started_at is null and t.run_at > as_of
   and (t.children is null or t.version = is_movable.version);
