-- A UUIDv7 of this moment, greater than those that this session has had before, as Postgres 18 makes them: 48 bits of Unix
-- time in milliseconds, the version, 12 bits for parts of a millisecond, and what is random.
--
-- The order of ids is the order in which rows are locked, parents before their children. So the session remembers its last id's
-- time, in parts of a millisecond, and the next one is greater, whatever the clock does.
create or replace function errand.uuidv7() returns uuid
  language plpgsql volatile
as $$
declare
  last  bigint := nullif(current_setting('errand_ids.last_at', true), '')::bigint;
  part  bigint := (date_part('epoch', clock_timestamp()) * 4096000)::bigint;
begin
  -- A clock that was set back by more than ten seconds is believed.
  if part <= last and last - part < 40960000 then part := last + 1; end if;
  perform set_config('errand_ids.last_at', part::text, false);
  return encode(
    overlay(uuid_send(gen_random_uuid()) placing int8send((part / 4096 << 16) + (7 << 12) + part % 4096) from 1 for 8),
    'hex')::uuid;
end;
$$;
