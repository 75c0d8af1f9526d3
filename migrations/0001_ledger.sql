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

-- One row per registration of a runner: its id is the epoch that fences all it writes. A row that has not ended
-- is live, and only a live runner can record outcomes. One that was presumed dead registers anew.
create table errand.runners (
  id            integer primary key generated always as identity,
  host          text not null,
  pid           integer not null,
  version       text not null,
  task_names    text[] not null,
  concurrency   integer not null,
  -- The lease: presumed dead when the heartbeat is older than this.
  lease_secs    float8 not null,
  started_at    timestamptz not null default now(),
  heartbeat_at  timestamptz not null default now(),
  -- Since when its heartbeats have come without a gap of a lease. Who has not seen a whole lease itself (a fresh
  -- runner, or all of them after Postgres was away) can't tell who is dead.
  steady_since  timestamptz not null default now(),
  -- Attempts under way at the last heartbeat.
  in_flight     integer not null default 0,
  -- The graphile-worker pools it has had: rings locked by these are its own.
  pool_ids      text[] not null default '{}',
  ended_at      timestamptz,
  end_reason    text check (end_reason in ('stopped', 'lost')),
  check ((ended_at is null) = (end_reason is null))
);
create index runners_live_idx on errand.runners (heartbeat_at) where ended_at is null;

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
  -- How often its runner died while it ran, or may have run. Not 0: it starts alone, and its start is written
  -- before it runs, so that the task that kills its runner is known by name.
  crashes        smallint not null default 0,
  -- A running task can only be asked to end; its runner records what came of it.
  cancel_requested_at timestamptz,
  progress       real,
  progress_note  text,
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
-- Retention by name, and finished ranges of the list (names are few: Postgres skips from one to the next).
create index tasks_name_finished_at_idx on errand.tasks (name, finished_at) where finished_at is not null;
-- What a lost runner was executing, and what is to be cancelled. Only attempts that last are ever marked.
create index tasks_running_idx on errand.tasks (runner_id) where state = 'running';
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

-- Nearly all rows are in one state, and perhaps of one name. From such statistics the planner would take any
-- state for nearly all rows, and walk the primary key past millions of finished tasks to find a queued one.
alter table errand.tasks
  alter column name set (n_distinct = 50),
  alter column state set (n_distinct = 9);

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

-- The lines that handlers logged (T8), numbered per task without a gap.
create table errand.logs (
  task_id  uuid not null references errand.tasks (id) on delete cascade,
  seq      integer not null,
  attempt  integer not null,
  level    text not null,
  message  text not null,
  fields   jsonb,
  at       timestamptz not null,
  primary key (task_id, seq)
);

-- When each round of maintenance was last done by any runner: most of it is enough for the pool once.
create table errand.rounds (
  round       text primary key,
  claimed_at  timestamptz not null default now()
);

-- The lines of a report, numbered in order.
create function errand.log_lines(lines jsonb)
  returns table (number integer, level text, message text, fields jsonb, at timestamptz)
  language sql immutable parallel safe rows 10
begin atomic
  select line.number::integer, line.level, line.message, line.fields, line.at
    from rows from (jsonb_to_recordset(lines) as (level text, message text, fields jsonb, at timestamptz))
         with ordinality as line (level, message, fields, at, number);
end;
