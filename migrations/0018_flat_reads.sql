-- Pages by tag, groups of errors and searches in errors whose cost does not grow with the ledger.

-- The tags of tasks, in the order of the list. A GIN index on the array gives all tasks of a tag before
-- the first one can be shown. It also got an entry for each tag again when a task changed its state;
-- these rows are written when a task is submitted, and when it is deleted. A task without tags pays only
-- for the conditions of the triggers.
create table errand.task_tags (
  tag      text collate "C" not null,
  -- Not a reference: a check for each tag of each task would cost more than the rows. The triggers keep it true.
  task_id  uuid not null,
  primary key (tag, task_id)
);

-- Triggers, so that no statement can forget it. No task changes between them and the inserts below,
-- because they lock the table against writing until the commit.
create trigger add_tags after insert on errand.tasks
  for each row when (new.tags <> '{}') execute function errand.keep_tags();
create trigger change_tags after update of tags on errand.tasks
  for each row when (old.tags is distinct from new.tags) execute function errand.keep_tags();
create trigger delete_tags after delete on errand.tasks
  for each row when (old.tags <> '{}') execute function errand.keep_tags();

insert into errand.task_tags (tag, task_id)
select distinct tag collate "C", t.id
  from errand.tasks t
 cross join lateral unnest(t.tags) tag
 order by 1, 2;
drop index errand.tasks_tags_idx;

-- How many tasks are in each group of errors: failed, and not dismissed. A storm of failures makes
-- millions of one group. Runners add up the changes every few seconds.
create table errand.error_counts (
  error_group  text collate "C" primary key,
  tasks        bigint not null
) with (fillfactor = 70);

-- What is not added up yet: tasks that entered a group or left it. Rows are only inserted, because an
-- update of the count would make all that fails with one error wait for each other, or deadlock.
create table errand.error_count_changes (
  id           bigint primary key generated always as identity,
  error_group  text collate "C" not null,
  change       integer not null
);
alter table errand.error_count_changes set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- A task that does not fail pays only for these conditions.
create trigger count_failed after insert on errand.tasks
  for each row
  when (new.error_group is not null and (new.dismissed_at >= new.finished_at) is not true)
  execute function errand.count_error();
create trigger count_changed after update of state, error, finished_at, dismissed_at on errand.tasks
  for each row
  when (case when (old.dismissed_at >= old.finished_at) is not true then old.error_group end
        is distinct from case when (new.dismissed_at >= new.finished_at) is not true then new.error_group end)
  execute function errand.count_error();
create trigger count_deleted after delete on errand.tasks
  for each row
  when (old.error_group is not null and (old.dismissed_at >= old.finished_at) is not true)
  execute function errand.count_error();
create trigger empty_tasks after truncate on errand.tasks
  for each statement execute function errand.empty_tasks();

insert into errand.error_counts (error_group, tasks)
select t.error_group, count(*)
  from errand.tasks t
 where t.error_group is not null and (t.dismissed_at >= t.finished_at) is not true
 group by t.error_group;

-- Finds the first and the last failure of a group, and whether one is newer than a decision.
create index tasks_error_group_finished_idx on errand.tasks (error_group, finished_at)
  where error_group is not null and (dismissed_at >= finished_at) is not true;
-- Finds the groups by skipping from one to the next, and lists the newest tasks of one.
drop index errand.tasks_error_group_idx;
create index tasks_error_group_idx on errand.tasks (error_group, id)
  where error_group is not null and (dismissed_at >= finished_at) is not true;
-- The newest tasks with an error. A text that many errors have is found among them.
create index tasks_error_id_idx on errand.tasks (id) where error is not null;
