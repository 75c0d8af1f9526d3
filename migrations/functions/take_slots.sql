-- Takes the slots of attempts that a runner is about to start: for each attempt those of all its rules, or
-- none. `items` is an array of {id, dispatch_id, rules}; a rule is [name of the limit, key], or [name, key,
-- whenFull], and the rules are in the order in which a task waits for them. Gives
--
-- - taken: the attempt may start. Also if this runner has its slots already, because an answer was lost
-- - waits: a key was full, or others wait for it. The task has no dispatch now, and waits for its turn
-- - full: a key was full, and the rule lets it end (errand.decide_full). Somebody must do that soon
-- - busy: it would have to wait, but somebody else changes its task now. Ask again
--
-- It gives no row for a task that no longer names the dispatch or whose time is over, and the row `fenced`
-- alone if the runner is no longer live. A rule whose limit is not registered is no limit. It locks no task
-- before the keys, and then only those that nobody else has locked: the slots of a task that is cancelled at
-- the same time are freed by the runner, as if it had been cancelled right after.
--
-- A rule of a rate takes no slot: it counts a start. If an answer was lost, and the attempt has no slot of
-- another rule, the start is counted again.
--
-- After a crash before the commit nothing has changed. After the commit the slots belong to the runner, whose
-- recovery frees them. A start stays counted.
create or replace function errand.take_slots(runner integer, items jsonb) returns table (task_id uuid, outcome text)
  language plpgsql
  set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  due     uuid[];
  limits  text[];
  keys    text[];
  -- Some of the tasks have waits, and some of these are for keys that they do not need any more.
  has_waits     boolean;
  has_others    boolean;
  -- One of them was called so long ago that nobody else of its name was called meanwhile.
  has_late      boolean;
  -- Those that find no room, with the last rule that has none.
  waiting             uuid[];
  waiting_dispatches  uuid[];
  waiting_limits      text[];
  waiting_keys        text[];
  waiting_turns       text[];
  waiting_ways        text[];
  -- Those of them that must end instead.
  refused             uuid[] := '{}';
  leaves_room         boolean;
  parked              uuid[];
  -- The keys of rates under which attempts start, each once for each attempt.
  starting_limits     text[];
  starting_keys       text[];
begin
  perform from errand.runners r where r.id = runner and r.ended_at is null for key share;
  if not found then
    return query select null::uuid, 'fenced';
    return;
  end if;
  select coalesce(array_agg(k.limit_name), '{}'), coalesce(array_agg(k.key), '{}'),
         coalesce(bool_or(k.of_wait), false), coalesce(bool_or(k.of_wait and not k.of_rule), false), coalesce(bool_or(k.is_late), false)
    into limits, keys, has_waits, has_others, has_late
    from (select k.limit_name, k.key, bool_or(k.of_wait) as of_wait, bool_or(not k.of_wait) as of_rule, bool_or(k.is_late) as is_late
            from (select rule ->> 0 as limit_name, rule ->> 1 as key, false as of_wait, false as is_late
                    from jsonb_to_recordset(items) as i (rules jsonb)
                   cross join lateral jsonb_array_elements(i.rules) rule
                    join errand.limits l on l.name = rule ->> 0
                   union all
                  select w.limit_name, w.key, true, w.called_at < clock_timestamp() - errand.limit_call_time()
                    from jsonb_to_recordset(items) as i (id uuid)
                    join errand.limit_waits w on w.task_id = i.id) k
           group by k.limit_name, k.key) k;
  perform errand.lock_limit_keys(limits, keys);

  -- From here on with what is true while the keys are locked.
  select array_agg(t.id) into due
    from jsonb_to_recordset(items) as i (id uuid, dispatch_id uuid)
    join errand.tasks t on t.id = i.id and t.dispatch_id = i.dispatch_id
   -- By the primary key, whatever the planner thinks of the states.
   where (t.state in ('scheduled', 'queued', 'retrying')) is true and (t.expires_at is null or t.expires_at > now())
     and not exists (select from errand.limit_ends e where e.task_id = t.id);
  if due is null then return; end if;

  with asked as materialized (
    select i.id, i.dispatch_id, t.priority, t.run_at, rule.value ->> 0 as limit_name, rule.value ->> 1 as key, rule.ordinal,
           l.slots, l.period_ms, l.burst, jsonb_array_length(i.rules) > 1 as has_more,
           -- It is judged once: a task that waits for the key does so for good, and so does a retry.
           case when t.attempt = 1 and (w.limit_name, w.key) is distinct from (rule.value ->> 0, rule.value ->> 1)
                then rule.value ->> 2 end as way,
           coalesce(w.called_at is not null, false) as is_called, coalesce(w.first_called_at, w.called_at) as first_called_at
      from jsonb_to_recordset(items) as i (id uuid, dispatch_id uuid, rules jsonb)
      join errand.tasks t on t.id = i.id
     cross join lateral jsonb_array_elements(i.rules) with ordinality as rule (value, ordinal)
      join errand.limits l on l.name = rule.value ->> 0
      left join errand.limit_waits w on w.task_id = i.id
     where i.id = any (due)
       and not exists (select
                         from errand.limit_slots s
                        where s.task_id = i.id and s.dispatch_id = i.dispatch_id and s.runner_id = runner)
  ),
  room as materialized (
    select k.limit_name, k.key,
           case when h.held_until > clock_timestamp() then 0
                when k.period_ms is null
                then k.slots - (select count(*) from errand.limit_slots s where s.limit_name = k.limit_name and s.key = k.key)
                else errand.rate_room(k.limit_name, k.key, k.slots, k.period_ms, k.burst)
           end as free,
           -- Slots that are kept for others.
           (select count(*)
              from errand.limit_waits c
             where c.limit_name = k.limit_name and c.key = k.key
               and c.called_at is not null
               and c.called_at >= clock_timestamp() - errand.limit_call_time()
               and c.task_id <> all (due)) as kept,
           case
             when k.key = '' then exists (select from errand.next_limit_turns(k.limit_name, 1))
             else exists (select from errand.next_limit_waits(k.limit_name, k.key, '', 1))
           end as has_waits
      from (select distinct limit_name, key, slots, period_ms, burst from asked) k
      join errand.limit_keys h using (limit_name, key)
  ),
  judged as materialized (
    select a.*, r.free - r.kept as left_over, r.has_waits,
           case
             when r.has_waits and not a.is_called then 0
             when r.kept = 0 then r.free
             when not a.is_called then r.free - r.kept
             -- A task that was called, for whichever key, looks only at those called before it: so the first of them
             -- finds room in all its keys, however many wait for each other.
             else r.free - (
               select count(*)
                 from errand.limit_waits c
                where c.limit_name = a.limit_name and c.key = a.key
                  and c.called_at is not null
                  and c.called_at >= clock_timestamp() - errand.limit_call_time()
                  and c.task_id <> all (due)
                  and (coalesce(c.first_called_at, c.called_at), c.task_id) < (a.first_called_at, a.id))
           end as free
      from asked a
      join room r using (limit_name, key)
  ),
  -- Those for which some key has no room (`is_out`) leave the room in others to the next. Without a join: the planner
  -- expects one row, and would compare all with all.
  ranked as materialized (
    select q.*,
           row_number() over (partition by q.limit_name, q.key, q.is_out
                              order by q.is_called desc, q.first_called_at, q.priority, q.run_at, q.id) as place
      from (select j.*, min(j.free) over (partition by j.id) <= 0 as is_out from judged j) q
  ),
  -- Of several rules without room it waits for the one that leaves the least. Rules with keys come last, so it
  -- waits for its key rather than for what all keys share.
  full_ones as materialized (
    select distinct on (r.id) r.*
      from ranked r
     where r.free <= 0 or not r.is_out and r.place > r.free
     order by r.id, r.way = 'discard' desc nulls last, r.way is null, greatest(r.free, 0), r.ordinal desc
  ),
  taken as (
    insert into errand.limit_slots (limit_name, key, task_id, dispatch_id, runner_id)
    select a.limit_name, a.key, a.id, a.dispatch_id, runner
      from asked a
     where a.period_ms is null and a.id not in (select id from full_ones)
    on conflict do nothing
  ),
  rated as (
    select a.limit_name, a.key from asked a where a.period_ms is not null and a.id not in (select id from full_ones)
  )
  select coalesce(array_agg(f.id), '{}'), array_agg(f.dispatch_id), array_agg(f.limit_name), array_agg(f.key),
         array_agg(case when f.key = ''
                        then coalesce((select a.key from asked a where a.id = f.id and a.key <> '' order by a.ordinal limit 1), '')
                        else '' end),
         coalesce(bool_or(f.is_called or f.left_over > 0 and (f.has_waits or f.has_more)), false), array_agg(f.way),
         (select array_agg(limit_name) from rated), (select array_agg(key) from rated)
    into waiting, waiting_dispatches, waiting_limits, waiting_keys, waiting_turns, leaves_room, waiting_ways,
         starting_limits, starting_keys
    from full_ones f;
  if starting_limits is not null then
    perform errand.count_starts(starting_limits, starting_keys);
  end if;

  if has_waits then
    delete from errand.limit_waits w where w.task_id = any (due) and w.task_id <> all (waiting);
  end if;
  if num_nonnulls(variadic waiting_ways) > 0 then
    refused := errand.decide_full(waiting, waiting_limits, waiting_keys, waiting_ways);
  end if;
  if cardinality(waiting) > cardinality(refused) then
    parked := (select errand.wait_for_slots(array_agg(w.id), array_agg(w.dispatch_id), array_agg(w.limit_name), array_agg(w.key),
                                            array_agg(w.turn_key))
                 from unnest(waiting, waiting_dispatches, waiting_limits, waiting_keys, waiting_turns)
                        as w (id, dispatch_id, limit_name, key, turn_key)
                where w.id <> all (refused));
  end if;
  -- A task that was called takes no slot of the key that kept one for it, or one could start after all, or the
  -- late start of one lets others be called again.
  if has_others or leaves_room or has_late then
    perform errand.call_limit_waits(limits, keys);
  elsif starting_limits is not null or cardinality(waiting) > 0 then
    perform errand.time_limit_calls(limits, keys);
  end if;
  return query
  select d.id,
         case when d.id <> all (waiting) then 'taken' when d.id = any (refused) then 'full' when d.id = any (parked) then 'waits' else 'busy' end
    from unnest(due) as d (id);
end;
$$;
