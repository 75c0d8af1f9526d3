-- The UUID that a text is; null when it is none. Not for constants, which Postgres converts before it has looked at them.
create or replace function errand.uuid_in_text(given text) returns uuid
  language sql stable parallel safe
as $$ select case when pg_input_is_valid(given, 'uuid') then given::uuid end $$;
