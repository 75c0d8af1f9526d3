-- `, got <value>`, shortened as over HTTP; empty if the value is null.
create or replace function errand.got(value jsonb) returns text
  language sql immutable parallel safe
return coalesce(', got ' || left(value::text, 100) || case when length(value::text) > 100 then '…' else '' end, '');
