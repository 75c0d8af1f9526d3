-- A duration in ms, at least 0: by another clock a task may start a moment before it was due.
-- date_part avoids the slow exact numbers of extract.
create or replace function errand.duration_ms(duration interval) returns float8
  language sql immutable parallel safe
return case when duration is not null then greatest(date_part('epoch', duration) * 1000, 0) end;
