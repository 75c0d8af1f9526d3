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

-- Groups of what is failed now, counted without a visit to the table, and the newest tasks of one.
create index tasks_error_group_idx on errand.tasks ((errand.error_group(name, error)) collate "C", id)
  include (finished_at)
  where state = 'failed';
