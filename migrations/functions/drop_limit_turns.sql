-- Takes turn keys that no longer have a wait out of the turns. The caller has locked the limits.
create or replace function errand.drop_limit_turns(limits text[], turn_keys text[]) returns void
  language sql volatile
as $$
  delete from errand.limit_turns t
   using unnest(limits, turn_keys) as g (limit_name, turn_key)
   where t.limit_name = g.limit_name and t.turn_key = g.turn_key
     and not exists (
           select
             from errand.limit_waits w
            where w.limit_name = g.limit_name and w.key = '' and w.turn_key = g.turn_key and w.called_at is null);
$$;
