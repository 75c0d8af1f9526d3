-- The UUID that a text is, as Postgres writes UUIDs; null when it is none.
create or replace function errand.uuid_in_text(given text) returns uuid
  language sql immutable parallel safe
as $$ select case when given ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then given::uuid end $$;
