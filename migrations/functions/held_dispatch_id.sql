-- A new dispatch id with which a runner holds a task that became due when it recorded an outcome. The task has
-- no job of graphile-worker: the runner gets it with the answer, and starts it at once. The id says who holds the
-- task, so whatever gives the task another dispatch ends the hold, and recovery finds what an ended runner held
-- (tasks_held_idx).
create or replace function errand.held_dispatch_id(runner integer) returns uuid
  language sql volatile parallel safe
return overlay(errand.first_held(runner)::text placing right(gen_random_uuid()::text, 15) from 22)::uuid;
