-- Frees all slots of these runners, in the transaction that ends them, and calls who waits for them. The
-- caller has locked all tasks that it changes before. There are as many slots as attempts with limits run, so
-- reading all of them is cheap.
create or replace function errand.free_slots_of(ended integer[]) returns void
  language sql volatile
as $$
  select errand.free_slots(array_agg(s.task_id), array_agg(s.dispatch_id), array_agg(s.runner_id))
    from errand.limit_slots s
   where s.runner_id = any (ended)
  having count(*) > 0;
$$;
