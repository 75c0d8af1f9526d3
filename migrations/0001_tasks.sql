-- The ledger: which tasks exist, what happened to them, and which are due. The tables of
-- graphile-worker only announce due tasks.
--
-- Constraints hold for every table, whichever client writes it. Times are limited to those of the
-- wire, 1970 to 9999, so that no reader gets infinity. The limits of texts are far above those of
-- the API, but a list of such texts can still be read.

-- The definitions that the live pool can execute (T7). Each runner registers its own at its start.
create table errand.definitions (
  name            text primary key,
  namespace       text not null,
  version         text not null,
  schema_hash     text not null,
  payload_schema  jsonb not null,
  result_schema   jsonb,
  policy          jsonb not null,
  registered_at   timestamptz not null default now(),
  -- For a workflow: its graph, from which the rows of its steps are made.
  steps           jsonb,
  -- For a step: the name of its workflow. Nobody submits a step.
  workflow        text,
  -- The older versions whose payloads it takes.
  upcasts         text[] not null default '{}',
  -- The repository that defines it, or `errand` for what Errand ships. Null if it is not known.
  owner           text,
  constraint definitions_times_check check (registered_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);

-- One row per registration of a runner. Its id is the epoch that fences everything that the runner
-- writes. A row without an end is live, and only a live runner can record outcomes. A runner that
-- was presumed dead registers again with a new row.
create table errand.runners (
  id             integer primary key generated always as identity,
  host           text not null,
  pid            integer not null,
  version        text not null,
  task_names     text[] not null,
  concurrency    integer not null,
  -- The lease: if the heartbeat is older than this, the runner is presumed dead.
  lease_secs     float8 not null,
  started_at     timestamptz not null default now(),
  heartbeat_at   timestamptz not null default now(),
  -- The time since when its heartbeats have had no gap of half a lease. A runner that has not been
  -- live for a complete lease (a new one, or all of them after Postgres was away) cannot judge
  -- which runners are dead.
  steady_since   timestamptz not null default now(),
  -- Attempts that ran at the last heartbeat.
  in_flight      integer not null default 0,
  -- Its graphile-worker pools: it owns the dispatches that these have locked.
  pool_ids       text[] not null default '{}',
  ended_at       timestamptz,
  end_reason     text check (end_reason in ('stopped', 'lost')),
  -- The version of each of its definitions, by task name. It hands tasks with a newer version on to
  -- a runner that has it (D6).
  task_versions  jsonb,
  -- The runner that started this one for a single task, which must run alone.
  parent_id      integer,
  -- The time since when its event loop does not turn (O6), and the task that blocks it, if known.
  blocked_since  timestamptz check (blocked_since between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'),
  blocked_by     uuid,
  -- The repository of its tasks. Null if it is not known.
  project        text,
  check ((ended_at is null) = (end_reason is null)),
  constraint runners_times_check check (
    started_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and heartbeat_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and steady_since between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and ended_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'),
  -- A value that no interval can hold would fail every search for lost runners.
  constraint runners_lease_check check (lease_secs between 0 and 86400)
);
create index runners_live_idx on errand.runners (heartbeat_at) where ended_at is null;

-- A step is a task whose parent is the task of its workflow. A workflow, and a step that fans out,
-- is a task with children. Both wait by one rule: `pending` counts what a task waits for, each end
-- counts it down, and the end that takes it to 0 queues the task. So a queued parent runs and can
-- read the results of its children.
create table errand.tasks (
  -- Time-ordered (RFC 9562, version 7): the order of ids is the order of creation, and the id
  -- contains the time, so neither needs a column or an index.
  id             uuid primary key default errand.uuidv7(),
  -- "C": names are compared by bytes everywhere, so that a namespace is a range of the index below.
  name           text collate "C" not null,
  version        text not null,
  state          text collate "C" not null check (state in ('scheduled', 'waiting', 'queued', 'running', 'retrying',
                                                'succeeded', 'failed', 'cancelled', 'resolved')),
  priority       smallint not null,
  -- The number of the attempt that is due or running, or was the last, from 1.
  attempt        integer not null default 1,
  max_attempts   integer not null,
  -- The key of the graphile-worker job that announces the attempt; null if none is due. An attempt
  -- starts only for the dispatch that its task names, so a late or repeated dispatch is harmless.
  dispatch_id           uuid,
  run_at         timestamptz not null,
  started_at     timestamptz,
  finished_at    timestamptz,
  runner_id      integer,
  -- How often its runner died while it ran. If it is not 0, or `suspect` is set, the task runs
  -- alone and its start is written before it runs, so that a task that kills its runner is known by
  -- name (X4).
  crashes        smallint not null default 0,
  -- A running task can only be asked to end; its runner records the outcome.
  cancel_requested_at timestamptz,
  progress       real,
  progress_note  text,
  payload        jsonb not null,
  result         jsonb,
  error          jsonb,
  -- How a resubmission is recognized: null (not at all), or by this hash until dedup_until.
  dedup          text check (dedup in ('payload', 'key', 'idempotency_key')),
  dedup_key      text,
  dedup_hash     bytea,
  dedup_until    timestamptz,
  tags           text[] not null default '{}',
  -- Given by the caller; `submitted_by` is what Errand itself knows.
  initiator      text,
  source_system  text,
  reason         text,
  request_id     text,
  traceparent    text,
  -- Only for tasks that are failed now, so successes pay nothing for it.
  error_group    text collate "C"
    generated always as (case when state = 'failed' then errand.error_group(name, error) end) stored,
  parent_id      uuid references errand.tasks (id) on delete cascade,
  -- Its name in the graph of its parent; null for an item of a list that its parent made.
  step           text collate "C",
  -- The steps that it comes after: the edges of the graph.
  after          text[],
  -- For a parent: how many children it has; null for other tasks.
  children       integer,
  -- How many things it waits for: steps that it comes after, or children that are due or running.
  pending        integer not null default 0,
  -- It succeeded without being run, because its condition did not hold.
  skipped        boolean not null default false,
  -- The URL that is notified of its end.
  callback_url   text,
  -- For a delivery: the task whose end it reports. It is not a reference, because a delivery that
  -- is still tried outlives its task.
  callback_of    uuid,
  -- `key:<name of the API key>`, `user:<subject of an access token>`, `webhook:<source>`,
  -- `schedule:<name>`, `sql:<role>`, `task:<id>` (submitted by another task, or a step or another
  -- child), or `callback`. A submission that re-arms a task does not change it. Null if no
  -- identification was required.
  submitted_by   text,
  -- It was in the hands of a runner that died, and may have run. `crashes` counts only attempts
  -- that did run.
  suspect        boolean not null default false,
  -- How many attempts its duplicates have added to max_attempts: at most ten.
  added_attempts smallint not null default 0,
  -- The state, max_attempts and callback_url that its last duplicate found; null without one. errand.submit_tasks writes it to
  -- read it in the same statement: before Postgres 18, an upsert does not give the row that it replaces.
  before_duplicate text[],
  constraint tasks_times_check check (
    run_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and started_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and finished_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and cancel_requested_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and dedup_until between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'),
  constraint tasks_texts_check check (
    octet_length(dedup_key) <= 4096 and octet_length(initiator) <= 4096 and octet_length(source_system) <= 4096
    and octet_length(reason) <= 4096 and octet_length(request_id) <= 4096 and octet_length(traceparent) <= 4096
    and octet_length(progress_note) <= 4096 and octet_length(submitted_by) <= 4096
    and octet_length(callback_url) <= 4096),
  constraint tasks_progress_check check (progress between 0 and 1)
);

-- Uniqueness is a constraint, never a check before an insert (S5).
create unique index tasks_dedup_hash_key on errand.tasks (dedup_hash) where dedup_hash is not null;
-- Finds the few keys whose window may have ended; empty unless windows are used.
create index tasks_dedup_until_idx on errand.tasks (dedup_hash) where dedup_until is not null;
-- For pages of the list by name and state, newest first, and for counts by both. The order of ids
-- allows keyset pages at any size.
create index tasks_name_state_id_idx on errand.tasks (name, state, id);
-- Finds the due tasks of a name among the scheduled and retrying ones, the earliest first: the
-- index by name and state has them in the order of creation. Queued tasks are all due and cost it
-- nothing.
create index tasks_due_idx on errand.tasks (name, run_at) where state in ('scheduled', 'retrying');
-- For retention by name, and for ranges of finished tasks in the list (names are few: Postgres
-- skips from one to the next). Failed tasks are kept longer than others, and the state in the index
-- lets retention skip them. Without it each round would read all of them from the table.
create index tasks_name_finished_at_idx on errand.tasks (name, finished_at, state) where finished_at is not null;
-- Finds the tasks that a lost runner was executing, and those that must be cancelled. Only attempts
-- that last are marked as running.
create index tasks_running_idx on errand.tasks (runner_id) where state = 'running';
create index tasks_initiator_id_idx on errand.tasks (initiator, id) where initiator is not null;
-- For pages of the tasks of one submitter. Parts of other tasks are left out, because they are
-- found by their parent. So are tasks of an API without authentication: all of them would be one
-- entry. Neither costs the index anything.
create index tasks_submitted_by_id_idx on errand.tasks (submitted_by, id)
  where parent_id is null and submitted_by <> 'anonymous';
create index tasks_tags_idx on errand.tasks using gin (tags) where tags <> '{}';
-- For searches in the messages of errors: only failures, so that successes pay nothing.
-- The extension belongs to the complete database. If another Errand makes it at the same time, one
-- of the two would fail, so they lock.
select pg_advisory_xact_lock(4772001);
-- Without pg_trgm the search works too, and reads all tasks. Some servers do not have the extension,
-- or do not let this role install it, and each of them reports another error.
do $$
declare
  place regnamespace;
begin
  begin
    create extension if not exists pg_trgm with schema public;
  exception when others then raise notice 'pg_trgm: %', sqlerrm;
  end;
  select e.extnamespace into place from pg_extension e where e.extname = 'pg_trgm';
  if found then
    execute format('create index tasks_error_message_idx on %s
                      using gin ((error ->> ''message'') %s.gin_trgm_ops) where error is not null',
                   'errand.tasks'::regclass, place);
  end if;
end;
$$;
-- Finds the groups by skipping from one to the next, counts a group without reading the table, and
-- lists its newest tasks.
create index tasks_error_group_idx on errand.tasks (error_group, id)
  include (finished_at)
  where error_group is not null;
-- Finds the children of a task, and a step by its name. Plain tasks cost it nothing.
create unique index tasks_parent_id_step_key on errand.tasks (parent_id, step) where parent_id is not null;
-- Finds the deliveries of a task. Plain tasks cost it nothing.
create index tasks_callback_of_idx on errand.tasks (callback_of, id) where callback_of is not null;

-- With the default of 20 % of the table, insert-mostly tables go too long between autovacuums.
alter table errand.tasks set (
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_insert_scale_factor = 0.05,
  autovacuum_analyze_scale_factor = 0.02
);

-- Nearly all rows have one state, and perhaps one name. With such statistics the planner would
-- expect any state to match nearly all rows, and read the primary key past millions of finished
-- tasks to find a queued one.
alter table errand.tasks
  alter column name set (n_distinct = 50),
  alter column state set (n_distinct = 9);

-- Every ended attempt that did not succeed. The successful one is in the row of its task, which
-- saves most tasks a second row.
create table errand.attempts (
  task_id      uuid not null references errand.tasks (id) on delete cascade,
  attempt      integer not null,
  outcome      text not null check (outcome in ('failed', 'interrupted', 'crashed', 'timed_out', 'cancelled')),
  runner_id    integer,
  started_at   timestamptz,
  finished_at  timestamptz not null,
  error        jsonb,
  primary key (task_id, attempt),
  constraint attempts_times_check check (
    started_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and finished_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);

-- The lines that handlers logged (T8), numbered per task without gaps.
create table errand.logs (
  task_id  uuid not null references errand.tasks (id) on delete cascade,
  seq      integer not null,
  attempt  integer not null,
  level    text not null,
  message  text not null,
  fields   jsonb,
  at       timestamptz not null,
  primary key (task_id, seq),
  constraint logs_times_check check (at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);

-- When each round of maintenance was last claimed by any runner: most rounds are needed only once
-- in the pool.
create table errand.rounds (
  round       text primary key,
  claimed_at  timestamptz not null default now(),
  constraint rounds_times_check check (claimed_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
