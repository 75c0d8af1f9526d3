-- The place of a task among those that wait for the same turn: by its priority, then by when it was due. With
-- `policy.aging` each step of priority is so many seconds: so a task that has waited long enough comes before any
-- priority.
create or replace function errand.limit_place(of_name text, priority smallint, run_at timestamptz)
  returns table (rank smallint, place_at timestamptz)
  language sql stable
as $$
  select case when aging.secs is null then limit_place.priority else 0::smallint end,
         case when aging.secs is null then limit_place.run_at
              else least(limit_place.run_at + make_interval(secs => limit_place.priority * aging.secs), '9999-12-31 00:00:00Z')
         end
    from (select (select (d.policy -> 'aging' ->> 'everySeconds')::float8
                    from errand.definitions d
                   where d.name = of_name) as secs) aging;
$$;
