-- Which failures are the same trouble: those of one task name with the same type and the same message, once what
-- differs from case to case (ids, numbers, what is quoted) is taken out of it. The name comes first, so that the
-- groups of a namespace are a range.
create function errand.error_group(name text, error jsonb) returns text
  language sql immutable parallel safe
return name || ':' || left(md5(
  coalesce(error ->> 'error_type', '') || e'\n' ||
  regexp_replace(
    regexp_replace(
      regexp_replace(left(error ->> 'message', 1000), '"[^"]*"|''[^'']*''|`[^`]*`', '<text>', 'g'),
      '\m(0x)?[0-9a-f]{8}[0-9a-f-]*\M', '<id>', 'gi'),
    '[0-9]+([.,:][0-9]+)*', '<n>', 'g')
), 16);

-- Of what is failed now, and of nothing else: success pays nothing for it.
alter table errand.tasks
  add column error_group text collate "C"
    generated always as (case when state = 'failed' then errand.error_group(name, error) end) stored;

-- Finds the groups by hopping from one to the next, counts one without a visit to the table, and lists its newest.
create index tasks_error_group_idx on errand.tasks (error_group, id)
  include (finished_at)
  where error_group is not null;
