-- What operators set for a limit, beside what the definitions declare (Q7). Both are in one row, and the value
-- that holds follows from them. So a deployment never undoes what an operator has set.

alter table errand.limits rename column slots to declared_slots;
alter table errand.limits rename constraint limits_slots_check to limits_declared_slots_check;
alter table errand.limits rename column burst to declared_burst;
alter table errand.limits rename constraint limits_burst_check to limits_declared_burst_check;
alter table errand.limits
  -- Null: no registered definition has the limit. Then it limits nothing, and what an operator has set waits
  -- for a definition that has it again.
  alter column declared_slots drop not null,
  -- An operator's value, or none, in place of the declared one.
  add column set_slots integer check (set_slots > 0),
  add column is_unlimited boolean not null default false,
  -- Nothing starts under it.
  add column is_paused boolean not null default false,
  -- The last change by an operator. Null if nothing of it holds any more.
  add column set_at timestamptz,
  add column set_by text,
  add column set_reason text,
  add constraint limits_set_check check (
    (set_at is null) = (set_slots is null and not is_unlimited and not is_paused)
    and (set_slots is null or not is_unlimited)
    and octet_length(set_by) <= 4096 and octet_length(set_reason) <= 4096),
  add constraint limits_set_times_check check (
    set_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z');

-- The values that hold. Without a limit they are more than any pool has: slots and starts are counted all the
-- same, so that they are known when it is limited again. With an operator's value a period has as many bursts as
-- with the declared one.
alter table errand.limits
  add column slots integer not null generated always as (
    case when declared_slots is null or (is_unlimited and not is_paused) then 1000000000
         when is_paused then 0
         else coalesce(set_slots, declared_slots) end) stored,
  add column burst integer generated always as (
    case when period_ms is null then null
         when declared_slots is null or is_unlimited then 1000000000
         when set_slots is null then declared_burst
         else greatest(1, set_slots / greatest(1, declared_slots / declared_burst)) end) stored;
