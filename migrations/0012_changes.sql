-- Streams (L1 to L3): API processes hear of what changes. A notification is only a doorbell: the ledger is the truth,
-- and who has heard one reads it. While nobody watches there are none, because a NOTIFY makes commits wait for each other.

create table errand.watch (
  is_only        boolean primary key default true check (is_only),
  -- API processes in which somebody watches move it on; see store/changes.ts.
  watched_until  timestamptz not null default '-infinity'
);
insert into errand.watch default values;

-- Tells of tasks that were written, whoever wrote them, in the transaction that did: [id, name, state, attempt,
-- progress, parent], so many at a time that they fit into the 8,000 bytes of a notification.
create function errand.announce_tasks() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from errand.watch where watched_until > now()) then
    perform pg_notify('errand_tasks', json_agg(part.change order by part.id)::text)
       from (select w.id, (row_number() over (order by w.id) - 1) / 25 as number,
                    json_build_array(w.id, w.name, w.state, w.attempt, w.progress, w.parent_id) as change
               from written w) part
      group by part.number;
  end if;
  return null;
end;
$$;

create trigger announce_inserted after insert on errand.tasks
  referencing new table as written for each statement execute function errand.announce_tasks();
create trigger announce_updated after update on errand.tasks
  referencing new table as written for each statement execute function errand.announce_tasks();

-- Tells of which tasks there are new lines.
create function errand.announce_lines() returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from errand.watch where watched_until > now()) then
    perform pg_notify('errand_lines', json_agg(part.task_id)::text)
       from (select w.task_id, (row_number() over () - 1) / 150 as number
               from (select distinct task_id from written) w) part
      group by part.number;
  end if;
  return null;
end;
$$;

create trigger announce_lines after insert on errand.logs
  referencing new table as written for each statement execute function errand.announce_lines();
