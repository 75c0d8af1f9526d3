-- Announces changed tasks in the transaction that changed them, whichever client did it: [id, name,
-- state, attempt, progress, parent]. A notification has as many tasks as fit into its 8,000 bytes.
create or replace function errand.announce_tasks() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from errand.watch where watched_until > now()) then
    perform pg_notify(errand.channel('tasks'), json_agg(part.change order by part.id)::text)
       from (select w.id, (row_number() over (order by w.id) - 1) / 25 as number,
                    json_build_array(w.id, w.name, w.state, w.attempt, w.progress, w.parent_id) as change
               from written w) part
      group by part.number;
  end if;
  return null;
end;
$$;
