-- Forgets what is kept beside the tasks, when all of them are deleted at once.
create or replace function errand.empty_tasks() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from errand.task_tags;
  delete from errand.error_counts;
  delete from errand.error_count_changes;
  return null;
end;
$$;
