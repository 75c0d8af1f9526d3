-- How long a free slot is kept for a task that was called. If the task has not started by then, because no
-- runner has its name or all of them are busy, tasks of other names may have the slot.
create or replace function errand.limit_call_time() returns interval
  language sql immutable parallel safe
return interval '5 seconds';
