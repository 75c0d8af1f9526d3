-- Makes the failure step of these workflows wait for the next failure, if it has ended in one of
-- these states. A success is final: the successful step stays under another name, and the next
-- failure gets a new step. The end of the new step is reported to the same URL.
create or replace function errand.renew_failure_steps(parents uuid[], ended text[]) returns void
  language sql volatile
as $$
  update errand.tasks t
     set state = 'waiting',
         pending = 1,
         attempt = errand.next_attempt(t.attempt, t.started_at),
         max_attempts = greatest(t.max_attempts, errand.next_attempt(t.attempt, t.started_at)),
         started_at = null,
         finished_at = null,
         runner_id = null,
         error = null,
         crashes = least(t.crashes, 1::smallint)
   where t.parent_id = any (parents) and t.step = 'on_failure' and t.state = 'failed' and 'failed' = any (ended);

  with done as (
    update errand.tasks t
       set step = t.step || '-' || (
             select count(*) + 1
               from errand.tasks d
              where d.parent_id = t.parent_id and d.step like 'on\_failure-%')
     where t.parent_id = any (parents) and t.step = 'on_failure' and t.state in ('succeeded', 'resolved') and t.state = any (ended)
    returning t.*
  )
  insert into errand.tasks (name, version, state, priority, max_attempts, run_at, payload,
                            initiator, source_system, request_id, traceparent, parent_id, step, after, pending,
                            callback_url, submitted_by)
  select name, version, 'waiting', priority, max_attempts, now(), payload,
         initiator, source_system, request_id, traceparent, parent_id, 'on_failure', after, 1, callback_url, submitted_by
    from done;
$$;
