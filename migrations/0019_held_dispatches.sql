-- Tasks that runners hold: each became due in a statement with which its runner recorded an outcome, and starts
-- there at once (errand.held_dispatch_id). They are few. For recovery, and for a runner whose statement had no
-- answer.
create index tasks_held_idx on errand.tasks (dispatch_id)
  where dispatch_id >= 'ffffffff-0000-8000-b000-000000000000' and state in ('scheduled', 'queued', 'retrying');
