-- The next waits of a turn key that can be called, at most `most`: by rank, then by place. At a limit with keys
-- the turn key is empty. Paused names are left out. So is a name whose last call was not answered in time: its
-- tasks have no runner now, or all its runners are busy, and would keep the slot from other names. Uses
-- limit_waits_next_idx.
create or replace function errand.next_limit_waits(of_limit text, of_key text, of_turn text, most bigint)
  returns setof errand.limit_waits
  language sql stable
as $$
  select w.*
    from errand.limit_waits w
   where w.limit_name = of_limit and w.key = of_key and w.turn_key = of_turn and w.called_at is null
     and not exists (select from errand.pauses p where starts_with(w.name || '.', p.target || '.'))
     and not exists (
           select
             from errand.limit_waits c
            where c.limit_name = of_limit and c.key = of_key and c.called_at is not null
              and c.called_at < clock_timestamp() - errand.limit_call_time()
              and c.name = w.name and c.version = w.version)
   order by w.rank, w.place_at, w.task_id
   limit greatest(most, 0);
$$;
