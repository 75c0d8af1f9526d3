-- How changes of tasks are reported: streams and callbacks.

-- Streams (L1 to L3): API processes are notified of changes. A notification only says that there is
-- something to read: the ledger is the truth. While nobody watches there are no notifications,
-- because a NOTIFY makes commits wait for each other.
create table errand.watch (
  is_only        boolean primary key default true check (is_only),
  -- Moved on by API processes with watchers; see store/tasks/changes.ts.
  watched_until  timestamptz not null default '-infinity'
);
insert into errand.watch default values;

create trigger announce_inserted after insert on errand.tasks
  referencing new table as written for each statement execute function errand.announce_tasks();
create trigger announce_updated after update on errand.tasks
  referencing new table as written for each statement execute function errand.announce_tasks();
create trigger announce_lines after insert on errand.logs
  referencing new table as written for each statement execute function errand.announce_lines();

-- Callbacks (L5): the end of a task is reported to a URL. A trigger, so that no statement can
-- forget it. A task without a callback pays only for this condition.
create trigger queue_callback after update of state on errand.tasks
  for each row
  when (new.callback_url is not null
        and new.state in ('succeeded', 'failed', 'cancelled', 'resolved')
        and old.state is distinct from new.state)
  execute function errand.queue_callback();

-- URLs that want no more callbacks of a namespace: they answered 410.
create table errand.disabled_callbacks (
  namespace    text collate "C" not null,
  url          text not null,
  disabled_at  timestamptz not null default now(),
  -- The task of the callback that they answered; it may be deleted.
  task_id      uuid not null,
  primary key (namespace, url),
  constraint disabled_callbacks_times_check check (
    disabled_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);

-- Tickets for streams: the key that signs them, shared by all API processes. A new key ends all
-- tickets within a minute.
create table errand.ticket_key (
  is_only  boolean primary key default true check (is_only),
  key      bytea not null default sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()))
);
insert into errand.ticket_key default values;
