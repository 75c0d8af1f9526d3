-- The attempts of these dispatches that are still due: the task names the dispatch, its time is not over, and it
-- has not started, ended or been retried since. Gives those of a dispatch as one JSON text, an array of arrays,
-- whose values store/attempts/load.ts names. New values come at the end, because runners of the version before
-- read it too.
--
-- It is inlined into the statement that calls it, so it costs no call. Uses the primary key, and for the results of
-- earlier steps tasks_parent_id_step_key.
create or replace function errand.load_attempts(ids uuid[], dispatch_ids uuid[]) returns table (dispatch_id uuid, due text)
  language sql stable
as $$
  select t.dispatch_id,
         json_agg(
           json_build_array(
             t.id, t.name, t.attempt, t.max_attempts, t.priority, t.crashes,
             least(errand.duration_ms(now() - t.run_at), 1e12),
             -- A large payload is read only when its attempt starts, because a dispatch announces up to a hundred
             -- tasks.
             case when errand.json_bytes(t.payload) <= 65536 then t.payload end,
             t.request_id, t.traceparent, t.initiator, t.source_system, t.parent_id, t.children > 0 is true,
             case
               when t.parent_id is null then '{}'
               else (select case
                              when coalesce(sum(errand.json_bytes(b.result)), 0) <= 65536
                              then coalesce(
                                     jsonb_object_agg(b.step, case b.state when 'resolved' then b.result -> 'result' else b.result end)
                                       filter (where not b.skipped), '{}')
                            end
                       from errand.tasks b
                      where b.parent_id = t.parent_id and b.step = any (t.after))
             end,
             exists (select from errand.pauses)
               and exists (select from errand.pauses p where starts_with(t.name || '.', p.target || '.')),
             t.version, t.suspect or t.crashes > 0 or coalesce(t.dedup = 'debounce', false), t.scheduled_for,
             exists (select from errand.limit_waits)
               and exists (select from errand.limit_waits w where w.task_id = t.id),
             t.expires_at is not null, t.concurrency_key, t.timeout_ms)
           order by t.id)::text
    -- For an unknown limit the planner expects one row, so it keeps the plan: planning was over
    -- half of the cost.
    from (select * from unnest(ids, dispatch_ids) as a (id, dispatch_id) limit cardinality(ids)) announced
    join errand.tasks t on t.id = announced.id and t.dispatch_id = announced.dispatch_id
   where t.state in ('scheduled', 'queued', 'retrying') and (t.expires_at is null or t.expires_at > now())
   group by t.dispatch_id
$$;
