-- The channel of Errand's notifications about a topic. It starts with the name of the schema, so that
-- another Errand in this database has other channels. store/database/schemas.ts has the same.
--   cancel     a running task must end, its id: for runners
--   pause      something was paused or resumed, its target: for runners
--   handed_on  dispatches were handed on to newer runners under a new identifier: for runners
--   tasks      tasks were written: for API processes with watchers (errand.announce_tasks)
--   lines      tasks have new lines: for the same (errand.announce_lines)
create or replace function errand.channel(topic text) returns text
  language sql stable parallel safe
return (select nspname || '_' || topic from pg_namespace where oid = 'errand'::regnamespace);
