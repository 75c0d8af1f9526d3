-- Limits: how many attempts run at a time in the whole pool, in all or for each key (Q1, Q5, Q9).

-- The limits of the registered definitions. A rule of a definition names one; several definitions may share it.
create table errand.limits (
  name        text collate "C" primary key,
  -- How many attempts run at a time; for a limit with keys, of each key.
  slots       integer not null check (slots > 0),
  updated_at  timestamptz not null default now(),
  constraint limits_times_check check (updated_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);

-- One row for each key that is in use; the key of a limit without keys is empty. It says nothing: whoever
-- changes slots or waits of a key locks its row first. So keys do not wait for each other.
create table errand.limit_keys (
  limit_name  text collate "C" not null,
  key         text collate "C" not null,
  primary key (limit_name, key),
  constraint limit_keys_texts_check check (octet_length(limit_name) <= 1024 and octet_length(key) <= 2048)
);

-- A slot that is taken. It belongs to an attempt, which its task and its dispatch name, and to the lease of
-- the runner that executes it. So what frees it can be repeated: the second time there is no row.
create table errand.limit_slots (
  limit_name   text collate "C" not null,
  key          text collate "C" not null,
  task_id      uuid not null,
  dispatch_id  uuid not null,
  runner_id    integer not null,
  taken_at     timestamptz not null default now(),
  -- Counts the slots of a key.
  primary key (limit_name, key, task_id, dispatch_id, runner_id),
  constraint limit_slots_times_check check (taken_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
-- Finds the slots of an attempt.
create index limit_slots_task_id_idx on errand.limit_slots (task_id);

-- A due task that found its limit full. It has no dispatch until a slot of its key is free for it: then it is
-- called. A task waits for one key at a time.
create table errand.limit_waits (
  task_id      uuid primary key,
  limit_name   text collate "C" not null,
  key          text collate "C" not null,
  name         text collate "C" not null,
  version      text not null,
  priority     smallint not null,
  run_at       timestamptz not null,
  -- The dispatch that its task names. It has never been added, so it can be, when the task is called.
  dispatch_id  uuid not null,
  -- When it was called. A free slot is kept for it for a while (errand.limit_call_time).
  called_at    timestamptz,
  constraint limit_waits_times_check check (
    run_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and called_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
-- Finds the next ones of a key, the keys with waits, and a position.
create index limit_waits_next_idx on errand.limit_waits (limit_name, key, priority, run_at, task_id);
-- Finds those of a key that were called and have not started: few.
create index limit_waits_called_idx on errand.limit_waits (limit_name, key) where called_at is not null;

-- Their rows come and go all the time.
alter table errand.limit_slots set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
alter table errand.limit_waits set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
