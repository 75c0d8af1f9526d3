-- The time limit that a submission gives its task.

alter table errand.tasks
  -- How long an attempt may take, in place of `timeoutMs` of the policy of its definition. Null: as the policy says.
  add column timeout_ms integer,
  add constraint tasks_timeout_check check (timeout_ms between 1 and 86400000);

-- It has one more argument now.
drop function if exists errand.submit(text, jsonb, text, text, interval, integer, timestamptz, integer, text[], text, text, text, text,
                                      interval, interval, interval, text);
