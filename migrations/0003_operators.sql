-- The acts of operators, and the rights that they grant.

-- The pauses of operators: of a namespace (billing) or a task name (billing.send_invoice). A row is
-- a pause. So the question whether anything is paused is one read of a table that is nearly always
-- empty. Every load of dispatches asks it: an attempt that is loaded after the commit of a pause
-- never starts, whether its runner was notified or not. A pause of something that does not exist
-- (yet) is not an error.
create table errand.pauses (
  target     text collate "C" primary key,
  paused_at  timestamptz not null default now(),
  actor      text not null,
  reason     text,
  constraint pauses_times_check check (paused_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);

-- The namespaces that a role may submit to by errand.submit. A role without a row may submit to
-- all, if it may use the schema.
create table errand.submitters (
  role        text collate "C" primary key,
  namespaces  text[] not null check (array_position(namespaces, null) is null)
);

-- The acts of operators (R11): principal, action, time and reason. The statement of the act writes
-- the row, so that neither exists without the other. The row outlives its task.
create table errand.audit (
  id          bigint primary key generated always as identity,
  at          timestamptz not null default now(),
  actor       text not null,
  action      text not null,
  -- The object of the act: a task, or a queue by its namespace or name.
  task_id     uuid,
  namespace   text collate "C",
  target      text,
  reason      text,
  request_id  text,
  -- More details: the state before, the filter of a bulk operation, the bulk operation that it was
  -- part of.
  details     jsonb,
  constraint audit_times_check check (at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);

-- The acts on one task.
create index audit_task_id_idx on errand.audit (task_id, id) where task_id is not null;
-- For pages of the trail of a namespace, newest first.
create index audit_namespace_id_idx on errand.audit (namespace, id);
-- For pages by actor.
create index audit_actor_id_idx on errand.audit (actor, id);
-- For retention.
create index audit_at_idx on errand.audit (at);
-- The rows of a bulk operation, which show its progress.
create index audit_bulk_idx on errand.audit ((details ->> 'bulk')) where details ? 'bulk';
-- The audit trail with each bulk operation as one entry: its pages skip the rows of single tasks.
create index audit_folded_idx on errand.audit (id) where (details ? 'bulk' and task_id is not null) is not true;
