-- The graphile-worker identifier of dispatches of a task name. If `version` is null, any runner
-- with that name may start them; otherwise they need at least this version of the definition.
-- graphile-worker allows 128 characters.
create or replace function errand.dispatch_identifier(name text, version text) returns text
  language sql immutable parallel safe
return case
  when version is null then name
  when length(name) + 1 + length(version) <= 128 then name || '@' || version
  else encode(sha256(convert_to(name, 'UTF8')), 'hex') || '@' || version
end;
