-- Submits the delivery of a callback (L5) in the transaction that ends the task, whichever
-- statement does it. The delivery is a built-in task, `webhook.deliver`. Its message is fixed here:
-- if the task is retried meanwhile, it has ended all the same, and its next end is reported again.
--
-- After a crash before the commit the task has not ended and there is no delivery. After the commit
-- both exist, and the delivery is an ordinary task. It is tried until the endpoint has accepted the
-- message. So a crash between that answer and its record sends the message again, with the same id.
create or replace function errand.queue_callback() returns trigger
  language plpgsql
as $$
declare
  delivery errand.tasks;
begin
  -- Not by errand.submit_tasks, which takes three times as long for a task without duplicates.
  insert into errand.tasks (name, version, state, priority, max_attempts, dispatch_id, run_at, payload, request_id, traceparent, callback_of,
                            submitted_by)
  -- The same values as in tasks/webhook.deliver.task.ts.
  values ('webhook.deliver', '1.0.0', 'queued', 0, 12, gen_random_uuid(), now(),
          jsonb_build_object(
            'url', new.callback_url,
            'message_id', 'msg_' || replace(errand.uuidv7()::text, '-', ''),
            'namespace', split_part(new.name, '.', 1),
            'body', jsonb_build_object(
              'type', 'task.' || new.state,
              'timestamp', errand.iso_time(new.finished_at),
              'data', errand.callback_data(new))),
          new.request_id, new.traceparent, new.id, 'callback')
  returning * into delivery;
  perform errand_worker.add_jobs(array[
    errand.dispatch_spec(delivery.dispatch_id, delivery.name, delivery.priority, delivery.run_at, array[delivery.id])]);
  return null;
end;
$$;
