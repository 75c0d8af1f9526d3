-- What operators did (R11): who, what, when and why. A row is written by the statement that does it, so that neither
-- is there without the other. It outlives the task that it is about.
create table errand.audit (
  id          bigint primary key generated always as identity,
  at          timestamptz not null default now(),
  actor       text not null,
  action      text not null,
  -- What it was done to: a task, or a queue by its namespace or name.
  task_id     uuid,
  namespace   text collate "C",
  target      text,
  reason      text,
  request_id  text,
  -- What else belongs to it: the state before, the filter of a bulk operation, the bulk operation that it was part of.
  details     jsonb
);

-- What was done to one task.
create index audit_task_id_idx on errand.audit (task_id, id) where task_id is not null;
-- Pages of the trail of a namespace, newest first.
create index audit_namespace_id_idx on errand.audit (namespace, id);
-- Pages by who did it.
create index audit_actor_id_idx on errand.audit (actor, id);
-- Retention.
create index audit_at_idx on errand.audit (at);
-- How far a bulk operation is: its own rows.
create index audit_bulk_idx on errand.audit ((details ->> 'bulk')) where details ? 'bulk';
