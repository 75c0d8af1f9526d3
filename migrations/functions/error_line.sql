-- The line of one error: its type, its code and its words. The code is not normalized, since its
-- digits matter.
create or replace function errand.error_line(error jsonb) returns text
  language sql immutable parallel safe
return
  coalesce(error ->> 'error_type', '') || ' ' || coalesce(left(error ->> 'error_code', 100), '') || ' ' ||
  coalesce(errand.error_words(error ->> 'message'), '');
