-- The id of a dispatch that tasks of one name and priority share, made from a new UUID: UUIDv8, a
-- hash (RFC 9562).
create or replace function errand.shared_dispatch_id(seed uuid, name text, priority smallint, part bigint) returns uuid
  language sql immutable parallel safe
return overlay(overlay(md5(concat_ws(' ', seed, name, priority, part)) placing '8' from 13) placing '8' from 17)::uuid;
