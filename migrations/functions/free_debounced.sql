-- Locks the tasks of debounced submissions (Q4), and frees the keys of those that can no longer be
-- moved: they are due, have started or have ended, or are workflows of another version, whose steps may
-- differ. So the next submission of such a key is a new task. Gives the time at which it judged, for
-- errand.is_movable, or null if no item is debounced.
--
-- The steps of a workflow are locked after it, so a step cannot start between this and the move. Uses
-- tasks_dedup_hash_key and tasks_parent_id_step_key.
create or replace function errand.free_debounced(items jsonb) returns timestamptz
  language plpgsql
as $$
declare
  judged_at  timestamptz;
  found_ids  uuid[];
begin
  if not items @? '$[*] ? (@.dedup == "debounce")' then return null; end if;
  select coalesce(array_agg(locked.id), '{}') into found_ids
    from (select t.id
            from errand.tasks t
           where t.dedup_hash = any (array(
                   select errand.dedup_hash(i.name, i.dedup, i.dedup_key, null)
                     from jsonb_to_recordset(items) as i (name text, dedup text, dedup_key text)
                    where i.dedup = 'debounce'))
           order by t.id
             for no key update) locked;
  perform from errand.tasks t where t.parent_id = any (found_ids) order by t.id for no key update;
  -- Not before: whoever had the locks may have taken long.
  judged_at := clock_timestamp();
  update errand.tasks t
     set dedup_hash = null
    from jsonb_to_recordset(items) as i (name text, version text, dedup text, dedup_key text)
   where t.id = any (found_ids) and i.dedup = 'debounce'
     and t.dedup_hash = errand.dedup_hash(i.name, i.dedup, i.dedup_key, null)
     and not errand.is_movable(t, i.version, judged_at);
  return judged_at;
end;
$$;
