-- Keeps errand.task_tags as the tags of a task are. It has the rights of its owner, because who submits
-- or deletes tasks need not write this table.
create or replace function errand.keep_tags() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  one text;
begin
  if tg_op <> 'INSERT' then
    -- One by one: for `any (old.tags)` Postgres may read all tasks with one of the tags.
    foreach one in array old.tags loop
      delete from errand.task_tags given where given.tag = one and given.task_id = old.id;
    end loop;
  end if;
  if tg_op <> 'DELETE' then
    insert into errand.task_tags (tag, task_id)
    select tag, new.id from unnest(new.tags) tag where tag is not null
        on conflict do nothing;
  end if;
  return null;
end;
$$;
