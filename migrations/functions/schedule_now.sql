-- The time by which schedules are due: that of the statement. Tests that let days pass in a moment
-- replace it (errand/testing): the times of a calendar cannot be moved like those of tasks.
create or replace function errand.schedule_now() returns timestamptz
  language sql stable parallel safe
return now();
