-- For children that have ended: counts down the steps after them, and their parents, and dispatches those that
-- wait for nothing any more. See errand.hand_off_dependents.
create or replace function errand.unblock_dependents(parents uuid[], steps text[], satisfied boolean[]) returns void
  language plpgsql
as $$
begin
  perform from errand.hand_off_dependents(parents, steps, satisfied, array_fill(null::text, array[cardinality(parents)]), null, '{}', 0);
end;
$$;
