-- The time of a UUIDv7, to the millisecond: its first 48 bits.
create or replace function errand.uuid_time(id uuid) returns timestamptz
  language sql immutable strict parallel safe
as $$ select to_timestamp(('x0000' || translate(left(id::text, 13), '-', ''))::bit(64)::bigint / 1000.0::float8) $$;
