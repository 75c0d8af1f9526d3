-- The schema that all of migrations/ makes, for readers: tables, constraints, indexes, triggers, and
-- the signatures of functions. The files of migrations/ explain it.
-- Written by `npm run schema` from the catalogue. Do not edit.

create table errand.attempts (
  task_id uuid not null,
  attempt integer not null,
  outcome text not null,
  runner_id integer,
  started_at timestamptz,
  finished_at timestamptz not null,
  error jsonb,
  constraint attempts_pkey PRIMARY KEY (task_id, attempt),
  constraint attempts_outcome_check CHECK ((outcome = ANY (ARRAY['failed'::text, 'interrupted'::text, 'crashed'::text, 'timed_out'::text, 'cancelled'::text]))),
  constraint attempts_task_id_fkey FOREIGN KEY (task_id) REFERENCES errand.tasks(id) ON DELETE CASCADE,
  constraint attempts_times_check CHECK ((((started_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (started_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((finished_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (finished_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))))
);

create table errand.audit (
  id bigint generated always as identity not null,
  at timestamptz default now() not null,
  actor text not null,
  action text not null,
  task_id uuid,
  namespace text collate "C",
  target text,
  reason text,
  request_id text,
  details jsonb,
  constraint audit_pkey PRIMARY KEY (id),
  constraint audit_times_check CHECK (((at >= '1970-01-01 00:00:00+00'::timestamptz) AND (at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);
CREATE INDEX audit_actor_id_idx ON errand.audit USING btree (actor, id);
CREATE INDEX audit_at_idx ON errand.audit USING btree (at);
CREATE INDEX audit_bulk_idx ON errand.audit USING btree (((details ->> 'bulk'::text))) WHERE (details ? 'bulk'::text);
CREATE INDEX audit_folded_idx ON errand.audit USING btree (id) WHERE (((details ? 'bulk'::text) AND (task_id IS NOT NULL)) IS NOT TRUE);
CREATE INDEX audit_namespace_id_idx ON errand.audit USING btree (namespace, id);
CREATE INDEX audit_task_id_idx ON errand.audit USING btree (task_id, id) WHERE (task_id IS NOT NULL);

create table errand.definitions (
  name text not null,
  namespace text not null,
  version text not null,
  schema_hash text not null,
  payload_schema jsonb not null,
  result_schema jsonb,
  policy jsonb not null,
  registered_at timestamptz default now() not null,
  steps jsonb,
  workflow text,
  upcasts text[] default '{}'::text[] not null,
  owner text,
  constraint definitions_pkey PRIMARY KEY (name),
  constraint definitions_times_check CHECK (((registered_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (registered_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);

create table errand.disabled_callbacks (
  namespace text collate "C" not null,
  url text not null,
  disabled_at timestamptz default now() not null,
  task_id uuid not null,
  constraint disabled_callbacks_pkey PRIMARY KEY (namespace, url),
  constraint disabled_callbacks_times_check CHECK (((disabled_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (disabled_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);

create table errand.error_count_changes (
  id bigint generated always as identity not null,
  error_group text collate "C" not null,
  change integer not null,
  constraint error_count_changes_pkey PRIMARY KEY (id)
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);

create table errand.error_counts (
  error_group text collate "C" not null,
  tasks bigint not null,
  constraint error_counts_pkey PRIMARY KEY (error_group)
) with (fillfactor=70);

create table errand.error_groups (
  error_group text collate "C" not null,
  status text not null,
  decided_at timestamptz default now() not null,
  actor text not null,
  reason text,
  constraint error_groups_pkey PRIMARY KEY (error_group),
  constraint error_groups_status_check CHECK ((status = ANY (ARRAY['resolved'::text, 'ignored'::text]))),
  constraint error_groups_times_check CHECK (((decided_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (decided_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);
CREATE INDEX error_groups_decided_at_idx ON errand.error_groups USING btree (decided_at);

create table errand.limit_ends (
  task_id uuid not null,
  limit_name text collate "C" not null,
  code text not null,
  decided_at timestamptz default now() not null,
  constraint limit_ends_pkey PRIMARY KEY (task_id),
  constraint limit_ends_code_check CHECK ((code = ANY (ARRAY['LIMIT_FULL'::text, 'REPLACED'::text]))),
  constraint limit_ends_times_check CHECK (((decided_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (decided_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);

create table errand.limit_keys (
  limit_name text collate "C" not null,
  key text collate "C" not null,
  held_until timestamptz,
  call_at timestamptz,
  constraint limit_keys_pkey PRIMARY KEY (limit_name, key),
  constraint limit_keys_texts_check CHECK (((octet_length(limit_name) <= 1024) AND (octet_length(key) <= 2048))),
  constraint limit_keys_times_check CHECK ((((held_until >= '1970-01-01 00:00:00+00'::timestamptz) AND (held_until <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((call_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (call_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))))
);
CREATE INDEX limit_keys_call_at_idx ON errand.limit_keys USING btree (call_at) WHERE (call_at IS NOT NULL);

create table errand.limit_slots (
  limit_name text collate "C" not null,
  key text collate "C" not null,
  task_id uuid not null,
  dispatch_id uuid not null,
  runner_id integer not null,
  taken_at timestamptz default now() not null,
  constraint limit_slots_pkey PRIMARY KEY (limit_name, key, task_id, dispatch_id, runner_id),
  constraint limit_slots_times_check CHECK (((taken_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (taken_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
CREATE INDEX limit_slots_task_id_idx ON errand.limit_slots USING btree (task_id);

create table errand.limit_starts (
  limit_name text collate "C" not null,
  key text collate "C" not null,
  bucket_end timestamptz not null,
  starts integer not null,
  constraint limit_starts_starts_check CHECK ((starts > 0)),
  constraint limit_starts_times_check CHECK (((bucket_end >= '1970-01-01 00:00:00+00'::timestamptz) AND (bucket_end <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
CREATE INDEX limit_starts_key_idx ON errand.limit_starts USING btree (limit_name, key, bucket_end);

create table errand.limit_turns (
  limit_name text collate "C" not null,
  turn_key text collate "C" not null,
  last_turn timestamptz not null,
  constraint limit_turns_pkey PRIMARY KEY (limit_name, turn_key),
  constraint limit_turns_texts_check CHECK (((octet_length(limit_name) <= 1024) AND (octet_length(turn_key) <= 2048))),
  constraint limit_turns_times_check CHECK (((last_turn >= '1970-01-01 00:00:00+00'::timestamptz) AND (last_turn <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
) with (autovacuum_vacuum_scale_factor=0, autovacuum_vacuum_threshold=1000);
CREATE INDEX limit_turns_next_idx ON errand.limit_turns USING btree (limit_name, last_turn, turn_key);

create table errand.limit_waits (
  task_id uuid not null,
  limit_name text collate "C" not null,
  key text collate "C" not null,
  name text collate "C" not null,
  version text not null,
  priority smallint not null,
  run_at timestamptz not null,
  dispatch_id uuid not null,
  called_at timestamptz,
  turn_key text collate "C" default ''::text not null,
  rank smallint not null,
  place_at timestamptz not null,
  first_called_at timestamptz,
  constraint limit_waits_pkey PRIMARY KEY (task_id),
  constraint limit_waits_times_check CHECK ((((run_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (run_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((called_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (called_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((first_called_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (first_called_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((place_at >= '1900-01-01 00:00:00+00'::timestamptz) AND (place_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))))
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_threshold=1000);
CREATE INDEX limit_waits_called_idx ON errand.limit_waits USING btree (limit_name, key) WHERE (called_at IS NOT NULL);
CREATE INDEX limit_waits_next_idx ON errand.limit_waits USING btree (limit_name, key, turn_key, rank, place_at, task_id);

create table errand.limits (
  name text collate "C" not null,
  declared_slots integer,
  updated_at timestamptz default now() not null,
  period_ms bigint,
  declared_burst integer,
  set_slots integer,
  is_unlimited boolean default false not null,
  is_paused boolean default false not null,
  set_at timestamptz,
  set_by text,
  set_reason text,
  slots integer generated always as (CASE WHEN ((declared_slots IS NULL) OR (is_unlimited AND (NOT is_paused))) THEN 1000000000 WHEN is_paused THEN 0 ELSE COALESCE(set_slots, declared_slots) END) stored not null,
  burst integer generated always as (CASE WHEN (period_ms IS NULL) THEN NULL::integer WHEN ((declared_slots IS NULL) OR is_unlimited) THEN 1000000000 WHEN (set_slots IS NULL) THEN declared_burst ELSE GREATEST(1, (set_slots / GREATEST(1, (declared_slots / declared_burst)))) END) stored,
  constraint limits_pkey PRIMARY KEY (name),
  constraint limits_declared_burst_check CHECK ((declared_burst > 0)),
  constraint limits_declared_slots_check CHECK ((declared_slots > 0)),
  constraint limits_period_ms_check CHECK ((period_ms > 0)),
  constraint limits_rate_check CHECK (((period_ms IS NULL) = (declared_burst IS NULL))),
  constraint limits_set_check CHECK ((((set_at IS NULL) = ((set_slots IS NULL) AND (NOT is_unlimited) AND (NOT is_paused))) AND ((set_slots IS NULL) OR (NOT is_unlimited)) AND (octet_length(set_by) <= 4096) AND (octet_length(set_reason) <= 4096))),
  constraint limits_set_slots_check CHECK ((set_slots > 0)),
  constraint limits_set_times_check CHECK (((set_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (set_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))),
  constraint limits_times_check CHECK (((updated_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (updated_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);

create table errand.logs (
  task_id uuid not null,
  seq integer not null,
  attempt integer not null,
  level text not null,
  message text not null,
  fields jsonb,
  at timestamptz not null,
  constraint logs_pkey PRIMARY KEY (task_id, seq),
  constraint logs_task_id_fkey FOREIGN KEY (task_id) REFERENCES errand.tasks(id) ON DELETE CASCADE,
  constraint logs_times_check CHECK (((at >= '1970-01-01 00:00:00+00'::timestamptz) AND (at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);
CREATE TRIGGER announce_lines AFTER INSERT ON errand.logs REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION errand.announce_lines();

create table errand.migrations (
  file text not null,
  hash text not null,
  applied_at timestamptz default now() not null,
  constraint migrations_pkey PRIMARY KEY (file, hash)
);

create table errand.pauses (
  target text collate "C" not null,
  paused_at timestamptz default now() not null,
  actor text not null,
  reason text,
  constraint pauses_pkey PRIMARY KEY (target),
  constraint pauses_times_check CHECK (((paused_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (paused_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);

create table errand.rollup_watermark (
  is_the_one boolean default true not null,
  rolled_up_to timestamptz not null,
  constraint rollup_watermark_pkey PRIMARY KEY (is_the_one),
  constraint rollup_watermark_is_the_one_check CHECK (is_the_one),
  constraint rollup_watermark_times_check CHECK (((rolled_up_to >= '1970-01-01 00:00:00+00'::timestamptz) AND (rolled_up_to <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);

create table errand.rollups (
  name text collate "C" not null,
  minutes smallint not null,
  starts_at timestamptz not null,
  state text collate "C" not null,
  measure text collate "C" not null,
  bucket smallint not null,
  tasks bigint not null,
  attempts bigint not null,
  ms float8 not null,
  constraint rollups_pkey PRIMARY KEY (name, minutes, starts_at, state, measure, bucket),
  constraint rollups_measure_check CHECK ((measure = ANY (ARRAY['wait'::text, 'processing'::text]))),
  constraint rollups_minutes_check CHECK ((minutes = ANY (ARRAY[1, 10, 60]))),
  constraint rollups_times_check CHECK (((starts_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (starts_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
) with (fillfactor=70);

create table errand.rounds (
  round text not null,
  claimed_at timestamptz default now() not null,
  constraint rounds_pkey PRIMARY KEY (round),
  constraint rounds_times_check CHECK (((claimed_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (claimed_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)))
);

create table errand.runners (
  id integer generated always as identity not null,
  host text not null,
  pid integer not null,
  version text not null,
  task_names text[] not null,
  concurrency integer not null,
  lease_secs float8 not null,
  started_at timestamptz default now() not null,
  heartbeat_at timestamptz default now() not null,
  steady_since timestamptz default now() not null,
  in_flight integer default 0 not null,
  pool_ids text[] default '{}'::text[] not null,
  ended_at timestamptz,
  end_reason text,
  task_versions jsonb,
  parent_id integer,
  blocked_since timestamptz,
  blocked_by uuid,
  project text,
  schedules text[],
  event_loop_delay_ms float8,
  serves text[],
  constraint runners_pkey PRIMARY KEY (id),
  constraint runners_blocked_since_check CHECK (((blocked_since >= '1970-01-01 00:00:00+00'::timestamptz) AND (blocked_since <= '9999-12-31 23:59:59.999999+00'::timestamptz))),
  constraint runners_check CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
  constraint runners_end_reason_check CHECK ((end_reason = ANY (ARRAY['stopped'::text, 'lost'::text]))),
  constraint runners_event_loop_delay_check CHECK (((event_loop_delay_ms >= (0)::float8) AND (event_loop_delay_ms < 'Infinity'::float8))),
  constraint runners_lease_check CHECK (((lease_secs >= (0)::float8) AND (lease_secs <= (86400)::float8))),
  constraint runners_times_check CHECK ((((started_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (started_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((heartbeat_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (heartbeat_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((steady_since >= '1970-01-01 00:00:00+00'::timestamptz) AND (steady_since <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((ended_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (ended_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))))
);
CREATE INDEX runners_live_idx ON errand.runners USING btree (heartbeat_at) WHERE (ended_at IS NULL);

create table errand.schedule_runs (
  schedule_id text collate "C" not null,
  scheduled_for timestamptz not null,
  outcome text not null,
  reason text,
  until timestamptz,
  times integer,
  task_id uuid,
  is_backfill boolean default false not null,
  is_trigger boolean default false not null,
  at timestamptz default errand.schedule_now() not null,
  constraint schedule_runs_pkey PRIMARY KEY (schedule_id, scheduled_for, outcome),
  constraint schedule_runs_check CHECK (((outcome = 'skipped'::text) = (reason IS NOT NULL))),
  constraint schedule_runs_outcome_check CHECK ((outcome = ANY (ARRAY['submitted'::text, 'skipped'::text]))),
  constraint schedule_runs_reason_check CHECK ((reason = ANY (ARRAY['overlap'::text, 'missed'::text, 'paused'::text, 'broken'::text, 'replaced'::text]))),
  constraint schedule_runs_times_check CHECK ((((scheduled_for >= '1970-01-01 00:00:00+00'::timestamptz) AND (scheduled_for <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((until >= '1970-01-01 00:00:00+00'::timestamptz) AND (until <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((at >= '1970-01-01 00:00:00+00'::timestamptz) AND (at <= '9999-12-31 23:59:59.999999+00'::timestamptz))))
);
CREATE INDEX schedule_runs_at_idx ON errand.schedule_runs USING btree (at);
CREATE INDEX schedule_runs_skipped_idx ON errand.schedule_runs USING btree (schedule_id, scheduled_for) WHERE (outcome = 'skipped'::text);

create table errand.schedules (
  id text collate "C" not null,
  task text collate "C" not null,
  origin text not null,
  owner text,
  settings jsonb not null,
  submission jsonb not null,
  schema_hash text,
  revision bigint default 1 not null,
  created_at timestamptz default now() not null,
  updated_at timestamptz default now() not null,
  last_at timestamptz,
  next_at timestamptz,
  due_at timestamptz,
  held_for timestamptz,
  paused_at timestamptz,
  paused_by text,
  pause_reason text,
  broken text,
  broken_at timestamptz,
  constraint schedules_pkey PRIMARY KEY (id),
  constraint schedules_due_check CHECK (((due_at IS NULL) OR ((next_at IS NOT NULL) AND (paused_at IS NULL) AND (broken IS NULL)))),
  constraint schedules_origin_check CHECK ((origin = ANY (ARRAY['code'::text, 'api'::text]))),
  constraint schedules_texts_check CHECK (((octet_length(id) <= 512) AND (octet_length(owner) <= 4096) AND (octet_length(paused_by) <= 4096) AND (octet_length(pause_reason) <= 4096))),
  constraint schedules_times_check CHECK ((((created_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (created_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((updated_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (updated_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((last_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (last_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((next_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (next_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((due_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (due_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((held_for >= '1970-01-01 00:00:00+00'::timestamptz) AND (held_for <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((paused_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (paused_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((broken_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (broken_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))))
);
CREATE INDEX schedules_due_idx ON errand.schedules USING btree (due_at) WHERE (due_at IS NOT NULL);
CREATE INDEX schedules_held_idx ON errand.schedules USING btree (id) WHERE (held_for IS NOT NULL);
CREATE INDEX schedules_idle_idx ON errand.schedules USING btree (broken_at, paused_at, held_for) WHERE (due_at IS NULL);
CREATE INDEX schedules_task_idx ON errand.schedules USING btree (task);

create table errand.submitters (
  role text collate "C" not null,
  namespaces text[] not null,
  constraint submitters_pkey PRIMARY KEY (role),
  constraint submitters_namespaces_check CHECK ((array_position(namespaces, NULL::text) IS NULL))
);

create table errand.task_tags (
  tag text collate "C" not null,
  task_id uuid not null,
  constraint task_tags_pkey PRIMARY KEY (tag, task_id)
);

create table errand.tasks (
  id uuid default errand.uuidv7() not null,
  name text collate "C" not null,
  version text not null,
  state text collate "C" not null,
  priority smallint not null,
  attempt integer default 1 not null,
  max_attempts integer not null,
  dispatch_id uuid,
  run_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  runner_id integer,
  crashes smallint default 0 not null,
  cancel_requested_at timestamptz,
  progress real,
  progress_note text,
  payload jsonb not null,
  result jsonb,
  error jsonb,
  dedup text,
  dedup_key text,
  dedup_hash bytea,
  dedup_until timestamptz,
  tags text[] default '{}'::text[] not null,
  initiator text,
  source_system text,
  reason text,
  request_id text,
  traceparent text,
  error_group text collate "C" generated always as (CASE WHEN (state = 'failed'::text) THEN errand.error_group(name, error) ELSE NULL::text END) stored,
  parent_id uuid,
  step text collate "C",
  after text[],
  children integer,
  pending integer default 0 not null,
  skipped boolean default false not null,
  callback_url text,
  callback_of uuid,
  submitted_by text,
  suspect boolean default false not null,
  added_attempts smallint default 0 not null,
  before_duplicate text[],
  schedule_id text collate "C",
  scheduled_for timestamptz,
  dismissed_at timestamptz,
  resubmitted_as uuid,
  resubmission_of uuid,
  expires_at timestamptz,
  concurrency_key text collate "C",
  debounced integer,
  debounce_until timestamptz,
  timeout_ms integer,
  constraint tasks_pkey PRIMARY KEY (id),
  constraint tasks_concurrency_key_check CHECK ((octet_length(concurrency_key) <= 2048)),
  constraint tasks_debounce_check CHECK (((debounce_until >= '1970-01-01 00:00:00+00'::timestamptz) AND (debounce_until <= '9999-12-31 23:59:59.999999+00'::timestamptz))),
  constraint tasks_dedup_check CHECK ((dedup = ANY (ARRAY['payload'::text, 'key'::text, 'idempotency_key'::text, 'schedule'::text, 'debounce'::text, 'throttle'::text]))),
  constraint tasks_dismissed_check CHECK (((dismissed_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (dismissed_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))),
  constraint tasks_expires_check CHECK (((expires_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (expires_at <= '9999-12-31 23:59:59.999999+00'::timestamptz))),
  constraint tasks_parent_id_fkey FOREIGN KEY (parent_id) REFERENCES errand.tasks(id) ON DELETE CASCADE,
  constraint tasks_progress_check CHECK (((progress >= (0)::float8) AND (progress <= (1)::float8))),
  constraint tasks_schedule_check CHECK ((((scheduled_for >= '1970-01-01 00:00:00+00'::timestamptz) AND (scheduled_for <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND (octet_length(schedule_id) <= 512))),
  constraint tasks_state_check CHECK ((state = ANY (ARRAY['scheduled'::text, 'waiting'::text, 'queued'::text, 'running'::text, 'retrying'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text, 'resolved'::text, 'expired'::text]))),
  constraint tasks_texts_check CHECK (((octet_length(dedup_key) <= 4096) AND (octet_length(initiator) <= 4096) AND (octet_length(source_system) <= 4096) AND (octet_length(reason) <= 4096) AND (octet_length(request_id) <= 4096) AND (octet_length(traceparent) <= 4096) AND (octet_length(progress_note) <= 4096) AND (octet_length(submitted_by) <= 4096) AND (octet_length(callback_url) <= 4096))),
  constraint tasks_timeout_check CHECK (((timeout_ms >= 1) AND (timeout_ms <= 86400000))),
  constraint tasks_times_check CHECK ((((run_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (run_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((started_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (started_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((finished_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (finished_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((cancel_requested_at >= '1970-01-01 00:00:00+00'::timestamptz) AND (cancel_requested_at <= '9999-12-31 23:59:59.999999+00'::timestamptz)) AND ((dedup_until >= '1970-01-01 00:00:00+00'::timestamptz) AND (dedup_until <= '9999-12-31 23:59:59.999999+00'::timestamptz))))
) with (autovacuum_vacuum_scale_factor=0.02, autovacuum_vacuum_insert_scale_factor=0.05, autovacuum_analyze_scale_factor=0.02);
alter table errand.tasks alter column name set (n_distinct=50);
alter table errand.tasks alter column state set (n_distinct=10);
CREATE INDEX tasks_callback_of_idx ON errand.tasks USING btree (callback_of, id) WHERE (callback_of IS NOT NULL);
CREATE UNIQUE INDEX tasks_dedup_hash_key ON errand.tasks USING btree (dedup_hash) WHERE (dedup_hash IS NOT NULL);
CREATE INDEX tasks_dedup_until_idx ON errand.tasks USING btree (dedup_hash) WHERE (dedup_until IS NOT NULL);
CREATE INDEX tasks_dismissed_idx ON errand.tasks USING btree (id) WHERE (dismissed_at IS NOT NULL);
CREATE INDEX tasks_due_idx ON errand.tasks USING btree (name, run_at) WHERE (state = ANY (ARRAY['scheduled'::text, 'retrying'::text]));
CREATE INDEX tasks_error_group_finished_idx ON errand.tasks USING btree (error_group, finished_at) WHERE ((error_group IS NOT NULL) AND ((dismissed_at >= finished_at) IS NOT TRUE));
CREATE INDEX tasks_error_group_idx ON errand.tasks USING btree (error_group, id) WHERE ((error_group IS NOT NULL) AND ((dismissed_at >= finished_at) IS NOT TRUE));
CREATE INDEX tasks_error_id_idx ON errand.tasks USING btree (id) WHERE (error IS NOT NULL);
CREATE INDEX tasks_error_message_idx ON errand.tasks USING gin (((error ->> 'message'::text)) gin_trgm_ops) WHERE (error IS NOT NULL);
CREATE INDEX tasks_expires_at_idx ON errand.tasks USING btree (expires_at) WHERE ((expires_at IS NOT NULL) AND (state = ANY (ARRAY['scheduled'::text, 'queued'::text])));
CREATE INDEX tasks_initiator_id_idx ON errand.tasks USING btree (initiator, id) WHERE (initiator IS NOT NULL);
CREATE INDEX tasks_name_finished_at_idx ON errand.tasks USING btree (name, finished_at, state) WHERE (finished_at IS NOT NULL);
CREATE INDEX tasks_name_state_id_idx ON errand.tasks USING btree (name, state, id);
CREATE UNIQUE INDEX tasks_parent_id_step_key ON errand.tasks USING btree (parent_id, step) WHERE (parent_id IS NOT NULL);
CREATE INDEX tasks_running_idx ON errand.tasks USING btree (runner_id) WHERE (state = 'running'::text);
CREATE INDEX tasks_schedule_id_idx ON errand.tasks USING btree (schedule_id, id) WHERE (schedule_id IS NOT NULL);
CREATE INDEX tasks_schedule_open_idx ON errand.tasks USING btree (schedule_id, id) WHERE ((schedule_id IS NOT NULL) AND (finished_at IS NULL));
CREATE INDEX tasks_submitted_by_id_idx ON errand.tasks USING btree (submitted_by, id) WHERE ((parent_id IS NULL) AND (submitted_by <> 'anonymous'::text));
CREATE TRIGGER add_tags AFTER INSERT ON errand.tasks FOR EACH ROW WHEN ((new.tags <> '{}'::text[])) EXECUTE FUNCTION errand.keep_tags();
CREATE TRIGGER announce_inserted AFTER INSERT ON errand.tasks REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION errand.announce_tasks();
CREATE TRIGGER announce_updated AFTER UPDATE ON errand.tasks REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION errand.announce_tasks();
CREATE TRIGGER change_tags AFTER UPDATE OF tags ON errand.tasks FOR EACH ROW WHEN ((old.tags IS DISTINCT FROM new.tags)) EXECUTE FUNCTION errand.keep_tags();
CREATE TRIGGER count_changed AFTER UPDATE OF state, error, finished_at, dismissed_at ON errand.tasks FOR EACH ROW WHEN ((
        CASE
            WHEN ((old.dismissed_at >= old.finished_at) IS NOT TRUE) THEN old.error_group
            ELSE NULL::text
        END IS DISTINCT FROM
        CASE
            WHEN ((new.dismissed_at >= new.finished_at) IS NOT TRUE) THEN new.error_group
            ELSE NULL::text
        END)) EXECUTE FUNCTION errand.count_error();
CREATE TRIGGER count_deleted AFTER DELETE ON errand.tasks FOR EACH ROW WHEN (((old.error_group IS NOT NULL) AND ((old.dismissed_at >= old.finished_at) IS NOT TRUE))) EXECUTE FUNCTION errand.count_error();
CREATE TRIGGER count_failed AFTER INSERT ON errand.tasks FOR EACH ROW WHEN (((new.error_group IS NOT NULL) AND ((new.dismissed_at >= new.finished_at) IS NOT TRUE))) EXECUTE FUNCTION errand.count_error();
CREATE TRIGGER delete_tags AFTER DELETE ON errand.tasks FOR EACH ROW WHEN ((old.tags <> '{}'::text[])) EXECUTE FUNCTION errand.keep_tags();
CREATE TRIGGER empty_tasks AFTER TRUNCATE ON errand.tasks FOR EACH STATEMENT EXECUTE FUNCTION errand.empty_tasks();
CREATE TRIGGER queue_callback AFTER UPDATE OF state ON errand.tasks FOR EACH ROW WHEN (((new.callback_url IS NOT NULL) AND (new.state = ANY (ARRAY['succeeded'::text, 'failed'::text, 'cancelled'::text, 'resolved'::text, 'expired'::text])) AND (old.state IS DISTINCT FROM new.state))) EXECUTE FUNCTION errand.queue_callback();

create table errand.ticket_key (
  is_only boolean default true not null,
  key bytea default sha256((uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))) not null,
  constraint ticket_key_pkey PRIMARY KEY (is_only),
  constraint ticket_key_is_only_check CHECK (is_only)
);

create table errand.watch (
  is_only boolean default true not null,
  watched_until timestamptz default '-infinity'::timestamptz not null,
  constraint watch_pkey PRIMARY KEY (is_only),
  constraint watch_is_only_check CHECK (is_only)
);

-- errand.add_dispatches(ids uuid[], names text[], priorities smallint[], dispatch_ids uuid[], run_ats timestamptz[]) returns bigint
--   plpgsql, volatile
-- errand.announce_lines() returns trigger
--   plpgsql, volatile, security definer, set search_path=pg_catalog, pg_temp
-- errand.announce_tasks() returns trigger
--   plpgsql, volatile, security definer, set search_path=pg_catalog, pg_temp
-- errand.as_double(number numeric) returns numeric
--   plpgsql, immutable, strict, parallel safe, set extra_float_digits=1
-- errand.as_doubles(container jsonb) returns jsonb
--   plpgsql, immutable, strict, parallel safe
-- errand.call_limit(of_limit text, from_key text) returns text
--   plpgsql, volatile
-- errand.call_limit_waits(limits text[], keys text[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.call_submitted(limits text[], keys text[], turn_keys text[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.call_timed_limits() returns float8
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.callback_data(t errand.tasks) returns jsonb
--   sql, stable
-- errand.cancel_children(parents uuid[]) returns uuid[]
--   plpgsql, volatile
-- errand.channel(topic text) returns text
--   sql, stable, parallel safe
-- errand.count_before(task uuid) returns integer
--   sql, volatile
-- errand.count_error() returns trigger
--   plpgsql, volatile, security definer, set search_path=pg_catalog, pg_temp
-- errand.count_starts(limits text[], keys text[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.decide_full(task_ids uuid[], limits text[], keys text[], ways text[]) returns uuid[]
--   plpgsql, volatile
-- errand.dedup_hash(name text, dedup text, dedup_key text, payload jsonb) returns bytea
--   sql, immutable, parallel safe
-- errand.dispatch_called(task_ids uuid[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.dispatch_identifier(name text, version text) returns text
--   sql, immutable, parallel safe
-- errand.dispatch_spec(dispatch_id uuid, name text, priority smallint, run_at timestamptz, task_ids uuid[]) returns errand_worker.job_spec
--   sql, stable, parallel safe
-- errand.drop_limit_turns(limits text[], turn_keys text[]) returns void
--   sql, volatile
-- errand.duration_bucket(ms float8) returns smallint
--   sql, immutable, parallel safe
-- errand.duration_ms(duration interval) returns float8
--   sql, immutable, parallel safe
-- errand.empty_tasks() returns trigger
--   plpgsql, volatile, security definer, set search_path=pg_catalog, pg_temp
-- errand.error_group(name text, error jsonb) returns text
--   sql, immutable, parallel safe
-- errand.error_line(error jsonb) returns text
--   sql, immutable, parallel safe
-- errand.error_words(message text) returns text
--   sql, immutable, parallel safe
-- errand.expiry_time(run_at timestamptz, expires_in_ms float8) returns timestamptz
--   sql, stable
-- errand.free_debounced(items jsonb) returns timestamptz
--   plpgsql, volatile
-- errand.free_slots(task_ids uuid[], dispatch_ids uuid[], runners integer[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.free_slots_of(ended integer[]) returns void
--   sql, volatile
-- errand.full_limits(items jsonb) returns TABLE(task_id uuid, limit_name text, key text, turn_key text)
--   sql, stable, strict
-- errand.got(value jsonb) returns text
--   sql, immutable, parallel safe
-- errand.has_cancelled_part(parent uuid) returns boolean
--   sql, stable, set search_path=pg_catalog, pg_temp
-- errand.hold_limit_key(of_limit text, of_key text, ms float8) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.is_movable(t errand.tasks, version text, as_of timestamptz) returns boolean
--   sql, stable, parallel safe
-- errand.is_own_namespace(namespace text) returns boolean
--   sql, immutable, parallel safe
-- errand.is_rearmable(id uuid, state text, children integer, may_operate boolean) returns boolean
--   sql, stable
-- errand.iso_time(at timestamptz) returns text
--   sql, stable, parallel safe
-- errand.keep_tags() returns trigger
--   plpgsql, volatile, security definer, set search_path=pg_catalog, pg_temp
-- errand.leave_limits(task_ids uuid[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.limit_call_time() returns interval
--   sql, immutable, parallel safe
-- errand.limit_place(of_name text, priority smallint, run_at timestamptz) returns TABLE(rank smallint, place_at timestamptz)
--   sql, stable
-- errand.limit_rules() returns TABLE(limit_name text, slots integer, period_ms bigint, burst integer, is_keyed boolean, definition text, namespace text, registered_at timestamptz)
--   sql, stable
-- errand.lock_limit_keys(limits text[], keys text[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.log_lines(lines jsonb) returns TABLE(number integer, level text, message text, fields jsonb, at timestamptz)
--   sql, immutable, parallel safe, rows 10
-- errand.mend_limit_times(limits text[], keys text[]) returns void
--   sql, volatile
-- errand.move_steps(moved uuid, new_payload jsonb, due timestamptz) returns void
--   plpgsql, volatile
-- errand.nearest_double(number numeric) returns float8
--   plpgsql, immutable, strict, parallel safe
-- errand.next_attempt(attempt integer, started_at timestamptz) returns integer
--   sql, immutable, parallel safe
-- errand.next_limit_start(of_limit text, of_key text) returns timestamptz
--   sql, stable
-- errand.next_limit_turns(of_limit text, most bigint) returns SETOF errand.limit_waits
--   sql, stable
-- errand.next_limit_waits(of_limit text, of_key text, of_turn text, most bigint) returns SETOF errand.limit_waits
--   sql, stable
-- errand.payload_excess(payload jsonb) returns text
--   plpgsql, immutable, strict, parallel safe
-- errand.payload_problems(payload jsonb) returns TABLE(path text, message text)
--   sql, immutable, parallel safe
-- errand.queue_callback() returns trigger
--   plpgsql, volatile
-- errand.rate_bucket(at timestamptz, rate_window interval, burst integer) returns timestamptz
--   sql, stable, parallel safe
-- errand.rate_room(of_limit text, of_key text, slots integer, period_ms bigint, burst integer) returns bigint
--   sql, stable
-- errand.rate_window(slots integer, period_ms bigint, burst integer) returns interval
--   sql, immutable, parallel safe
-- errand.rearm_children(parent uuid, new_payload jsonb DEFAULT NULL::jsonb, due timestamptz DEFAULT now()) returns integer
--   plpgsql, volatile
-- errand.register_limits() returns void
--   plpgsql, volatile
-- errand.remove_dispatches(dispatch_ids uuid[]) returns bigint
--   plpgsql, volatile
-- errand.renew_failure_steps(parents uuid[], ended text[]) returns void
--   sql, volatile
-- errand.repair_limit_turns(of_limit text) returns void
--   sql, volatile
-- errand.repair_limits(after_limit text, after_key text) returns TABLE(limit_name text, key text)
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.repeat_later() returns text
--   plpgsql, volatile
-- errand.revive(parents uuid[]) returns void
--   plpgsql, volatile
-- errand.schedule_now() returns timestamptz
--   sql, stable, parallel safe
-- errand.shared_dispatch_id(seed uuid, name text, priority smallint, part bigint) returns uuid
--   sql, immutable, parallel safe
-- errand.shown_payload(name text, payload jsonb) returns jsonb
--   sql, immutable, parallel safe
-- errand.state_now(state text, expires_at timestamptz) returns text
--   sql, stable
-- errand.storable(payload jsonb) returns jsonb
--   plpgsql, immutable, strict, parallel safe
-- errand.submit(name text, payload jsonb, dedup_key text DEFAULT NULL::text, dedup text DEFAULT NULL::text, dedup_window interval DEFAULT NULL::interval, priority integer DEFAULT NULL::integer, run_at timestamptz DEFAULT NULL::timestamptz, max_attempts integer DEFAULT NULL::integer, tags text[] DEFAULT '{}'::text[], initiator text DEFAULT NULL::text, source_system text DEFAULT NULL::text, reason text DEFAULT NULL::text, callback_url text DEFAULT NULL::text, debounce interval DEFAULT NULL::interval, throttle interval DEFAULT NULL::interval, expires_in interval DEFAULT NULL::interval, concurrency_key text DEFAULT NULL::text, timeout interval DEFAULT NULL::interval) returns TABLE(id uuid, state text, created boolean)
--   plpgsql, volatile, security definer, set search_path=pg_catalog, pg_temp; set DateStyle=ISO, MDY; set TimeZone=UTC; set IntervalStyle=postgres; set extra_float_digits=1; set standard_conforming_strings=on
-- errand.submit_tasks(items jsonb) returns TABLE(ordinal bigint, outcome text, task errand.tasks)
--   plpgsql, volatile
-- errand.take_slots(runner integer, items jsonb) returns TABLE(task_id uuid, outcome text)
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.time_limit_calls(limits text[], keys text[]) returns void
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
-- errand.unblock_dependents(parents uuid[], steps text[], satisfied boolean[]) returns void
--   plpgsql, volatile
-- errand.uuid_in_text(given text) returns uuid
--   one text for Postgres 18 and newer, another for older ones (functions/before_18/)
-- errand.uuid_time(id uuid) returns timestamptz
--   one text for Postgres 18 and newer, another for older ones (functions/before_18/)
-- errand.uuidv7() returns uuid
--   one text for Postgres 18 and newer, another for older ones (functions/before_18/)
-- errand.version_key(version text) returns bytea
--   sql, immutable, strict, parallel safe
-- errand.version_parts_key(parts text) returns text
--   sql, immutable, strict, parallel safe
-- errand.wait_for_slots(task_ids uuid[], dispatch_ids uuid[], limits text[], keys text[], turn_keys text[]) returns uuid[]
--   plpgsql, volatile, set plan_cache_mode=force_generic_plan
