-- Schedules: at which times which task is submitted, and what became of each time (K1 to K8).

-- A schedule is a row with a watermark. The statement that submits the task of a time also moves the
-- watermark, by compare-and-swap on `revision`: so each time is handled once, whoever
-- tries and whatever dies. Processes compute times; only Postgres's clock decides whether one is due.
create table errand.schedules (
  -- It begins with the namespace of its task.
  id            text collate "C" primary key,
  task          text collate "C" not null,
  -- Who maintains it: the files of a repository, or callers of the API. Neither changes those of the other.
  origin        text not null check (origin in ('code', 'api')),
  -- The repository of one in code. Null if it is not known.
  owner         text,
  -- What its author wrote: task, payload, timing and policies, as on the wire.
  settings      jsonb not null,
  -- The item for errand.submit_tasks without payload, due time and time: with everything that the
  -- definition of the task adds. It is made
  -- when the schedule is stored, and again when its task is registered with another definition.
  submission    jsonb not null,
  -- The hash of the definition that the payload was last checked against.
  schema_hash   text,
  -- Counts every change of the row. A change that was planned before another one is void.
  revision      bigint not null default 1,
  created_at    timestamptz not null default now(),
  updated_at    timestamptz not null default now(),
  -- The newest time that was handled: submitted or skipped. Times up to it are over for good.
  last_at       timestamptz,
  -- The first time that was not handled yet. Null after the last one.
  next_at       timestamptz,
  -- When it is handled: next_at and its jitter. Null if nothing is due: after the last time, while it is
  -- paused, and while it is broken.
  due_at        timestamptz,
  -- A time that waits for the end of an earlier run (K6).
  held_for      timestamptz,
  paused_at     timestamptz,
  paused_by     text,
  pause_reason  text,
  -- Why its times are not handled, in words: the payload no longer fits the definition of its task, or
  -- its times cannot be computed.
  broken        text,
  broken_at     timestamptz,
  constraint schedules_times_check check (
    created_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and updated_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and last_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and next_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and due_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and held_for between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and paused_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and broken_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'),
  constraint schedules_due_check check (due_at is null or (next_at is not null and paused_at is null and broken is null)),
  constraint schedules_texts_check check (
    octet_length(id) <= 512 and octet_length(owner) <= 4096 and octet_length(paused_by) <= 4096
    and octet_length(pause_reason) <= 4096)
);
-- Finds what is due, and when the next one is: one read per tick, however many schedules there are (K8).
create index schedules_due_idx on errand.schedules (due_at) where due_at is not null;
-- Finds the times that wait for the end of a run; nearly always empty.
create index schedules_held_idx on errand.schedules (id) where held_for is not null;
-- Counts the schedules that nothing is due for, by why, without reading them.
create index schedules_idle_idx on errand.schedules (broken_at, paused_at, held_for) where due_at is null;
-- Finds the schedules of a task whose definition has changed.
create index schedules_task_idx on errand.schedules (task);

-- What became of each handled time. A row outlives its task and its schedule, so that "why did it not
-- run" has an answer, and a time that ran is not run again by a backfill after its task is gone.
create table errand.schedule_runs (
  schedule_id    text collate "C" not null,
  -- The time; of a range of skipped times the first one.
  scheduled_for  timestamptz not null,
  outcome        text not null check (outcome in ('submitted', 'skipped')),
  -- Why it was skipped. `overlap`: an earlier run had not ended. `missed`: it was late, and its catch-up
  -- leaves it out. `replaced`: it waited for a run to end, and a newer time took its place.
  reason         text check (reason in ('overlap', 'missed', 'paused', 'broken', 'replaced')),
  -- Of a range of skipped times: the last one, and how many there are. Null if there are too many to count.
  until          timestamptz,
  times          integer,
  -- The submitted task. For `overlap` the open task of the earlier run.
  task_id        uuid,
  is_backfill    boolean not null default false,
  -- Submitted by hand, and no time of the schedule: it has microseconds, which those never have.
  is_trigger     boolean not null default false,
  at             timestamptz not null default errand.schedule_now(),
  -- A skipped time can still be submitted, by a backfill.
  primary key (schedule_id, scheduled_for, outcome),
  check ((outcome = 'skipped') = (reason is not null)),
  constraint schedule_runs_times_check check (
    scheduled_for between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and until between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
-- For retention.
create index schedule_runs_at_idx on errand.schedule_runs (at);
-- Skipped times are few among many. Finds the range of them that a time is in.
create index schedule_runs_skipped_idx on errand.schedule_runs (schedule_id, scheduled_for) where outcome = 'skipped';

-- The schedules that the code of a live runner has. A schedule in code is removed when no live runner
-- of its repository has it any more.
alter table errand.runners add column schedules text[];

-- The schedule that submitted a task, and the time that it stands for. Plain tasks have neither. A step
-- has the time of its workflow.
alter table errand.tasks
  add column schedule_id text collate "C",
  add column scheduled_for timestamptz,
  drop constraint tasks_dedup_check,
  -- `schedule`: the key is the schedule and the time. Submissions cannot use it.
  add constraint tasks_dedup_check check (dedup in ('payload', 'key', 'idempotency_key', 'schedule')),
  add constraint tasks_schedule_check check (
    scheduled_for between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and octet_length(schedule_id) <= 512);
-- Finds the open runs of a schedule.
create index tasks_schedule_open_idx on errand.tasks (schedule_id, id) where schedule_id is not null and finished_at is null;
-- For pages of the runs of a schedule.
create index tasks_schedule_id_idx on errand.tasks (schedule_id, id) where schedule_id is not null;
