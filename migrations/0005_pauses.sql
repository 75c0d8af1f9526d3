-- What is paused, by an operator: a namespace (billing) or a task name (billing.send_invoice). A row is a pause and
-- its absence none, so that the question whether anything is paused at all is one read of a table that is nearly
-- always empty. Every begin of rings asks it: an attempt that is begun after the pause is committed never starts,
-- whether its runner has heard of the pause or not. Pauses of what does not exist (yet) are no mistake.
create table errand.pauses (
  target     text collate "C" primary key,
  paused_at  timestamptz not null default now(),
  actor      text not null,
  reason     text
);
