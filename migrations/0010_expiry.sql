-- Tasks that must start in time, and the keys that submissions give (Q4).

alter table errand.tasks
  -- When it ends `expired` unless it starts before. Null if it waits as long as it takes, and from its first start on.
  add column expires_at timestamptz,
  -- The key of the limits of its definition, in place of what their functions make of the payload.
  add column concurrency_key text collate "C",
  add constraint tasks_concurrency_key_check check (octet_length(concurrency_key) <= 2048),
  add constraint tasks_expires_check check (
    expires_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z'),
  drop constraint tasks_state_check,
  add constraint tasks_state_check check (state in ('scheduled', 'waiting', 'queued', 'running', 'retrying',
                                                    'succeeded', 'failed', 'cancelled', 'resolved', 'expired')),
  alter column state set (n_distinct = 10);

-- Finds the tasks whose time is over. Tasks that do not expire cost it nothing.
create index tasks_expires_at_idx on errand.tasks (expires_at)
  where expires_at is not null and state in ('scheduled', 'queued');

drop trigger queue_callback on errand.tasks;
create trigger queue_callback after update of state on errand.tasks
  for each row
  when (new.callback_url is not null
        and new.state in ('succeeded', 'failed', 'cancelled', 'resolved', 'expired')
        and old.state is distinct from new.state)
  execute function errand.queue_callback();

-- It has more arguments now.
drop function if exists errand.submit(text, jsonb, text, text, interval, integer, timestamptz, integer, text[], text, text, text, text);

-- Tasks that a rule of a limit has decided to end, because it was full (`whenFull`). The statement that decides has
-- locked the key and must not wait for tasks, so another one ends them, within a second also after a crash.
create table errand.limit_ends (
  task_id     uuid primary key,
  limit_name  text collate "C" not null,
  code        text not null check (code in ('LIMIT_FULL', 'REPLACED')),
  decided_at  timestamptz not null default now(),
  constraint limit_ends_times_check check (decided_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
alter table errand.limit_ends set (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
