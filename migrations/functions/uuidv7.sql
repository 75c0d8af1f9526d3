-- A UUIDv7 of this moment, greater than those that this session has had before.
create or replace function errand.uuidv7() returns uuid
  language sql volatile parallel safe
as $$ select pg_catalog.uuidv7() $$;
