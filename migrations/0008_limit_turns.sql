-- Keys take turns at a limit without keys, and waiting may raise priority (Q3).

-- The key of the first rule with a key of the task's definition, at a limit without keys: there these keys take
-- turns. Otherwise empty.
alter table errand.limit_waits
  add column turn_key text collate "C" not null default '',
  -- The place among the waits of a turn key: by rank, then by place_at. These are the priority and the time at
  -- which the task was due; with `policy.aging` the rank is 0, and each step of priority is so much time.
  add column rank smallint,
  add column place_at timestamptz,
  -- When it was called for the first time. Of called tasks that need the same slots, the first one gets them:
  -- also if it has to wait for another key in between.
  add column first_called_at timestamptz;
update errand.limit_waits set rank = priority, place_at = run_at, first_called_at = called_at;
alter table errand.limit_waits
  alter column rank set not null,
  alter column place_at set not null,
  drop constraint limit_waits_times_check,
  add constraint limit_waits_times_check check (
    run_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and called_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and first_called_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'
    and place_at between '1900-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z');

-- Finds the next ones of a turn key, the keys with waits, and a position.
drop index errand.limit_waits_next_idx;
create index limit_waits_next_idx on errand.limit_waits (limit_name, key, turn_key, rank, place_at, task_id);

-- The turn keys that have waits at a limit without keys, in the order of their turns: the one whose last turn, or
-- whose first wait, is the longest ago is next. A row is changed only while the key of the limit is locked.
create table errand.limit_turns (
  limit_name  text collate "C" not null,
  turn_key    text collate "C" not null,
  last_turn   timestamptz not null,
  primary key (limit_name, turn_key),
  constraint limit_turns_texts_check check (octet_length(limit_name) <= 1024 and octet_length(turn_key) <= 2048),
  constraint limit_turns_times_check check (last_turn between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
-- Finds the next turns.
create index limit_turns_next_idx on errand.limit_turns (limit_name, last_turn, turn_key);
insert into errand.limit_turns (limit_name, turn_key, last_turn)
select limit_name, '', min(run_at) from errand.limit_waits where key = '' and called_at is null group by limit_name;

alter table errand.limit_turns set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- They have other parameters now.
drop function if exists errand.wait_for_slots(uuid[], text[], text[]);
drop function if exists errand.next_limit_waits(text, text, bigint);
