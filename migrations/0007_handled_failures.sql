-- The decisions of operators about failures: a task needs nobody any more, and an error is fixed or
-- does not matter.

-- A dismissed task stays failed, with its record, but is no longer in a group of errors. A dismissal
-- holds for one failure: if the task is queued again and fails again, finished_at is later, and the task
-- counts again. So no statement that queues a task has to undo a dismissal.
alter table errand.tasks
  add column dismissed_at timestamptz,
  -- The task that replaces it, and the task that it replaces. Neither is a reference, because retention
  -- may remove one of them before the other.
  add column resubmitted_as uuid,
  add column resubmission_of uuid,
  add constraint tasks_dismissed_check check (
    dismissed_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z');

-- Finds the groups by skipping from one to the next, counts a group without reading the table, and
-- lists its newest tasks. Dismissed failures are in none.
drop index errand.tasks_error_group_idx;
create index tasks_error_group_idx on errand.tasks (error_group, id)
  include (finished_at)
  where error_group is not null and (dismissed_at >= finished_at) is not true;
-- For pages of dismissed tasks, which are few.
create index tasks_dismissed_idx on errand.tasks (id) where dismissed_at is not null;

-- The groups of errors that an operator has resolved or ignored. All others are open. Whether a resolved
-- group has regressed is not written: it has a failure that is newer than `decided_at`.
create table errand.error_groups (
  error_group  text collate "C" primary key,
  status       text not null check (status in ('resolved', 'ignored')),
  decided_at   timestamptz not null default now(),
  actor        text not null,
  reason       text,
  constraint error_groups_times_check check (
    decided_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
-- For retention.
create index error_groups_decided_at_idx on errand.error_groups (decided_at);
