-- Debounced and throttled submissions (Q4): a burst of submissions of one key makes one task.

alter table errand.tasks
  -- How many later submissions have moved it: each replaced its payload and its due time. Null for a
  -- task that is not debounced.
  add column debounced integer,
  -- The due time is not moved beyond this time.
  add column debounce_until timestamptz,
  drop constraint tasks_dedup_check,
  -- `schedule`: the key is the schedule and the time. Submissions cannot use it.
  add constraint tasks_dedup_check check (dedup in ('payload', 'key', 'idempotency_key', 'schedule', 'debounce', 'throttle')),
  add constraint tasks_debounce_check check (debounce_until between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z');

-- It has more parameters now.
drop function if exists errand.submit(text, jsonb, text, text, interval, integer, timestamptz, integer, text[], text, text, text, text);
