-- The ledger: what exists, what happened, what is due. graphile-worker's tables beside it only ring.

create schema if not exists errand;

-- What the live pool can execute (T7), registered by each runner at its start.
create table errand.definitions (
  name            text primary key,
  namespace       text not null,
  version         text not null,
  schema_hash     text not null,
  payload_schema  jsonb not null,
  result_schema   jsonb,
  policy          jsonb not null,
  registered_at   timestamptz not null default now()
);

-- One row per start of a runner. A row that has not ended is live, and only a live runner can record outcomes.
create table errand.runners (
  id            integer primary key generated always as identity,
  host          text not null,
  pid           integer not null,
  version       text not null,
  task_names    text[] not null,
  started_at    timestamptz not null default now(),
  heartbeat_at  timestamptz not null default now(),
  ended_at      timestamptz,
  end_reason    text check (end_reason in ('stopped', 'lost')),
  check ((ended_at is null) = (end_reason is null))
);

create table errand.tasks (
  -- Time-ordered (RFC 9562, version 7): the order of ids is the order of creation, and the id tells its time,
  -- so that neither needs a column or an index of its own.
  id             uuid primary key default uuidv7(),
  -- "C": names compare by bytes everywhere, so that a namespace is a range of the index below.
  name           text collate "C" not null,
  version        text not null,
  state          text collate "C" not null check (state in ('scheduled', 'waiting', 'queued', 'running', 'retrying',
                                                'succeeded', 'failed', 'cancelled', 'resolved')),
  priority       smallint not null,
  -- The attempt that is due or under way, or was the last, from 1.
  attempt        integer not null default 1,
  max_attempts   integer not null,
  -- The key of the graphile-worker job that announces the attempt; null when none is due. An attempt starts
  -- only for the ring that its task names, so a late or doubled ring is harmless.
  ring           uuid,
  run_at         timestamptz not null,
  started_at     timestamptz,
  finished_at    timestamptz,
  runner_id      integer,
  payload        jsonb not null,
  result         jsonb,
  error          jsonb,
  -- How a resubmission is recognised: null (not at all), or until dedup_until by this hash.
  dedup          text check (dedup in ('payload', 'key', 'idempotency_key')),
  dedup_key      text,
  dedup_hash     bytea,
  dedup_until    timestamptz,
  tags           text[] not null default '{}',
  initiator      text,
  source_system  text,
  reason         text,
  request_id     text,
  traceparent    text
);

-- Uniqueness is a constraint, never a check before insert (S5).
create unique index tasks_dedup_hash_key on errand.tasks (dedup_hash) where dedup_hash is not null;
-- Finds the few keys whose window may have ended; empty unless windows are used.
create index tasks_dedup_until_idx on errand.tasks (dedup_hash) where dedup_until is not null;
-- Pages of the list by name and state, newest first, and counts by both. Ids make it keyset-pageable at any size.
create index tasks_name_state_id_idx on errand.tasks (name, state, id);
-- Finished ranges of the list, and retention.
create index tasks_finished_at_idx on errand.tasks (finished_at) where finished_at is not null;
create index tasks_initiator_id_idx on errand.tasks (initiator, id) where initiator is not null;
create index tasks_tags_idx on errand.tasks using gin (tags) where tags <> '{}';
-- Searching the messages of errors: failures only, so that success pays nothing.
create extension if not exists pg_trgm with schema public;
create index tasks_error_message_idx on errand.tasks
  using gin ((error ->> 'message') public.gin_trgm_ops) where error is not null;

-- Insert-mostly tables go stale between autovacuums at the default of 20 % of the table.
alter table errand.tasks set (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02
);

-- Every ended attempt that did not succeed. The successful one is in the row of its task, which saves most
-- tasks a second row.
create table errand.attempts (
  task_id      uuid not null references errand.tasks (id) on delete cascade,
  attempt      integer not null,
  outcome      text not null check (outcome in ('failed', 'interrupted', 'crashed', 'timed_out', 'cancelled')),
  runner_id    integer,
  started_at   timestamptz,
  finished_at  timestamptz not null,
  error        jsonb,
  primary key (task_id, attempt)
);
