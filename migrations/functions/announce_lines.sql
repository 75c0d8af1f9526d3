-- Announces the tasks that have new log lines.
create or replace function errand.announce_lines() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from errand.watch where watched_until > now()) then
    perform pg_notify(errand.channel('lines'), json_agg(part.task_id)::text)
       from (select w.task_id, (row_number() over () - 1) / 150 as number
               from (select distinct task_id from written) w) part
      group by part.number;
  end if;
  return null;
end;
$$;
