-- What is due of all that was scheduled or waits to be tried again, by name, and which is due first: the one index
-- by name and state has them in the order of their creation. Queued tasks are all due and cost it nothing.
create index tasks_due_idx on errand.tasks (name, run_at) where state in ('scheduled', 'retrying');
