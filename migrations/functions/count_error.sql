-- Notes that a task has entered a group of errors, or left it: store/operators/errors.ts adds up what it
-- notes. It has the rights of its owner, because who changes tasks need not write this table.
create or replace function errand.count_error() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op <> 'INSERT' and old.error_group is not null and (old.dismissed_at >= old.finished_at) is not true then
    insert into errand.error_count_changes (error_group, change) values (old.error_group, -1);
  end if;
  if tg_op <> 'DELETE' and new.error_group is not null and (new.dismissed_at >= new.finished_at) is not true then
    insert into errand.error_count_changes (error_group, change) values (new.error_group, 1);
  end if;
  return null;
end;
$$;
