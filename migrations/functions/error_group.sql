-- The group of a failure: failures of one task name with the same lines are the same error. Equal
-- causes count once, and their order does not matter, because a host may have several addresses.
-- The name comes first, so that the groups of a namespace are a range. An error without a message
-- has no group.
--
-- errand.tasks.error_group is a stored column. If this function or one that it calls changes,
-- failed rows keep their group until they are retried or deleted, so the same error may be in two
-- groups until then.
create or replace function errand.error_group(name text, error jsonb) returns text
  language sql immutable parallel safe
return case when error ->> 'message' is not null then name || ':' || left(md5(
  errand.error_line(error) || (
    select coalesce(e'\n' || string_agg(line, e'\n' order by line), '')
      from (select distinct errand.error_line(cause) collate "C" as line
              from jsonb_array_elements(
                     case when jsonb_typeof(error -> 'causes') = 'array' then error -> 'causes' else '[]' end) cause
           ) behind
  )
), 16) end;
