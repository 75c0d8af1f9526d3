-- What a runner serves, if it is dedicated to some namespaces and names (RUNNER_NAMESPACES). Null: everything.
alter table errand.runners add column serves text[];
