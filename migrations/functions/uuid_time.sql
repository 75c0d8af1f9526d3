-- The time of a UUIDv7, to the millisecond.
create or replace function errand.uuid_time(id uuid) returns timestamptz
  language sql immutable strict parallel safe
as $$ select pg_catalog.uuid_extract_timestamp(id) $$;
