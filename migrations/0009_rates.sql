-- Rates: how many attempts start in a period, in all or for each key (Q2).

alter table errand.limits
  -- Of a rate, whose slots are starts in this period: at most so many of them together. Null for a limit of
  -- what runs at a time.
  add column period_ms  bigint check (period_ms > 0),
  add column burst      integer check (burst > 0),
  add constraint limits_rate_check check ((period_ms is null) = (burst is null));

alter table errand.limit_keys
  -- Nothing starts before, because a handler said so (RateLimited).
  add column held_until  timestamptz,
  -- When room comes by itself for those that wait: a start is forgotten, or it is held no more. Null if nobody
  -- waits, and for a limit of what runs at a time, where somebody makes room.
  add column call_at     timestamptz,
  add constraint limit_keys_times_check check (
    held_until between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and call_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z');
-- Finds the keys whose time has come, and the next time.
create index limit_keys_call_at_idx on errand.limit_keys (call_at) where call_at is not null;

-- The starts of a rate, by the time at which they were admitted: few rows for each key (see errand.rate_bucket).
-- A row counts until its time is older than the window of the rate. Only who has locked the row of the key adds
-- to it.
create table errand.limit_starts (
  limit_name  text collate "C" not null,
  key         text collate "C" not null,
  -- Not before any of its starts, by Postgres's clock.
  bucket_end  timestamptz not null,
  starts      integer not null check (starts > 0),
  constraint limit_starts_times_check check (bucket_end between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
-- Counts the starts of a key. Not unique: tests move all times together.
create index limit_starts_key_idx on errand.limit_starts (limit_name, key, bucket_end);

-- Its rows come and go all the time.
alter table errand.limit_starts set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
