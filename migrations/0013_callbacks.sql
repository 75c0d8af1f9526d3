-- Callbacks (L5): how a task ended is told to a URL, by a task of Errand's own, `webhook.deliver`.

-- The namespaces of Errand's own tasks, which nobody submits by name. core/registry.ts has the same.
create function errand.is_own_namespace(namespace text) returns boolean
  language sql immutable parallel safe
return namespace in ('errand', 'webhook');

alter table errand.tasks
  -- Where it is told how it ended.
  add column callback_url text,
  -- Of a delivery: the task whose end it tells. No reference: a delivery that is still tried outlives its task.
  add column callback_of uuid;

-- The deliveries of a task. Plain tasks cost it nothing.
create index tasks_callback_of_idx on errand.tasks (callback_of, id) where callback_of is not null;

-- The URLs that want no more callbacks of a namespace: they answered 410.
create table errand.disabled_callbacks (
  namespace    text collate "C" not null,
  url          text not null,
  disabled_at  timestamptz not null default now(),
  -- The task that they were told of then; it may be gone.
  task_id      uuid not null,
  primary key (namespace, url)
);

-- A time as the wire has it.
create function errand.iso_time(at timestamptz) returns text
  language sql stable parallel safe
return to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');

-- A task as the API's answers show it, but without its payload, and without a result of more than 256 KiB.
create function errand.callback_data(t errand.tasks) returns jsonb
  language sql stable
return (
  select jsonb_build_object(
           'id', t.id, 'name', t.name, 'namespace', split_part(t.name, '.', 1), 'version', t.version, 'state', t.state,
           'priority', t.priority, 'attempt', t.attempt, 'max_attempts', t.max_attempts,
           'created_at', errand.iso_time(uuid_extract_timestamp(t.id)), 'run_at', errand.iso_time(t.run_at),
           'started_at', errand.iso_time(t.started_at), 'finished_at', errand.iso_time(t.finished_at),
           'runner_id', t.runner_id, 'crashes', t.crashes,
           'cancel_requested_at', errand.iso_time(t.cancel_requested_at),
           'progress', t.progress, 'progress_note', t.progress_note,
           'result', case when not large.is_so then t.result end, 'result_truncated', large.is_so,
           'error', t.error, 'dedup', t.dedup, 'dedup_key', t.dedup_key, 'tags', t.tags, 'initiator', t.initiator,
           'source_system', t.source_system, 'reason', t.reason, 'request_id', t.request_id,
           'traceparent', t.traceparent, 'callback_url', t.callback_url, 'parent_id', t.parent_id, 'step', t.step,
           'skipped', t.skipped, 'children', t.children)
    from (select coalesce(octet_length(t.result::text) > 262144, false) as is_so) large
);

-- Submits the delivery, in the transaction in which the task ends, by whatever road it comes to that. What is sent is
-- fixed here: a task that is retried meanwhile has ended all the same, and will be told of again.
--
-- The crash at each line: before the commit the task has not ended and there is no delivery; after it both are there,
-- and the delivery is a task like any other. It is tried until the endpoint has said that it has it, so a crash between
-- that answer and the record sends it again, with the same id.
create function errand.tell_of_end() returns trigger
  language plpgsql
as $$
declare
  delivery errand.tasks;
begin
  -- Not by errand.submit_tasks, which takes three times as long for what has no duplicates.
  insert into errand.tasks (name, version, state, priority, max_attempts, ring, run_at, payload, request_id, traceparent, callback_of)
  -- As tasks/webhook.deliver.task.ts has it.
  values ('webhook.deliver', '1.0.0', 'queued', 0, 12, gen_random_uuid(), now(),
          jsonb_build_object(
            'url', new.callback_url,
            'message_id', 'msg_' || replace(uuidv7()::text, '-', ''),
            'namespace', split_part(new.name, '.', 1),
            'body', jsonb_build_object(
              'type', 'task.' || new.state,
              'timestamp', errand.iso_time(new.finished_at),
              'data', errand.callback_data(new))),
          new.request_id, new.traceparent, new.id)
  returning * into delivery;
  perform graphile_worker.add_jobs(array[
    errand.ring_spec(delivery.ring, delivery.name, delivery.priority, delivery.run_at, array[delivery.id])]);
  return null;
end;
$$;

-- No statement can forget it, and a task without a callback costs no more than this condition.
create trigger tell_of_end after update of state on errand.tasks
  for each row
  when (new.callback_url is not null
        and new.state in ('succeeded', 'failed', 'cancelled', 'resolved')
        and old.state is distinct from new.state)
  execute function errand.tell_of_end();

-- As migration 0010 has it, and the copy is told of where the step was.
create or replace function errand.renew_failure_steps(parents uuid[], ended text[]) returns void
  language sql volatile
as $$
  update errand.tasks t
     set state = 'waiting',
         pending = 1,
         attempt = case when t.started_at is null then t.attempt else t.attempt + 1 end,
         max_attempts = greatest(t.max_attempts, case when t.started_at is null then t.attempt else t.attempt + 1 end),
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
                            callback_url)
  select name, version, 'waiting', priority, max_attempts, now(), payload,
         initiator, source_system, request_id, traceparent, parent_id, 'on_failure', after, 1, callback_url
    from done;
$$;

-- As before, with a callback. Whether that URL may be called, and whether there is a secret to sign with, is known where it
-- is delivered. A function with one argument more would be another one beside it, and calls of either ambiguous.
drop function errand.submit(text, jsonb, text, text, interval, integer, timestamptz, integer, text[], text, text, text);

create function errand.submit(
  name           text,
  payload        jsonb,
  dedup_key      text        default null,
  dedup          text        default null, -- payload, key or none
  dedup_window   interval    default null,
  priority       integer     default null,
  run_at         timestamptz default null,
  max_attempts   integer     default null,
  tags           text[]      default '{}',
  initiator      text        default null,
  source_system  text        default null,
  reason         text        default null,
  callback_url   text        default null -- http or https, where it is told how the task ended
)
  returns table (id uuid, state text, created boolean)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  definition errand.definitions;
  strategy   text;
begin
  select d.* into definition
    from errand.definitions d
   where d.name = submit.name and not errand.is_own_namespace(d.namespace) and d.workflow is null;
  if not found then
    raise exception 'There is no task %', coalesce(quote_literal(name), 'without a name')
      using errcode = 'undefined_object',
            hint = 'Registered: ' || coalesce((select string_agg(d.name, ', ' order by d.name) from errand.definitions d where not errand.is_own_namespace(d.namespace) and d.workflow is null), 'none yet: start a runner');
  end if;
  strategy := coalesce(dedup, case when dedup_key is not null then 'key' end, definition.policy #>> '{dedup,strategy}');

  perform errand.check_argument('payload', payload is not null and jsonb_typeof(payload) = 'object', 'must be a JSON object');
  perform errand.check_argument('dedup', strategy in ('payload', 'key', 'none'), 'must be payload, key or none');
  perform errand.check_argument('dedup_key', strategy <> 'key' or dedup_key is not null, 'is needed: this submission is deduplicated by key');
  perform errand.check_argument('dedup_key', length(dedup_key) between 1 and 512, 'must have 1 to 512 characters');
  perform errand.check_argument('dedup_window', dedup_window > interval '0', 'must be longer than nothing');
  perform errand.check_argument('priority', priority between -1000 and 1000, 'must be from -1000 to 1000');
  perform errand.check_argument('max_attempts', max_attempts between 1 and 1000, 'must be from 1 to 1000');
  perform errand.check_argument('tags', tags is not null and cardinality(tags) <= 20 and array_position(tags, null) is null,
                                'must be at most 20, none of them null');
  perform errand.check_argument('callback_url', callback_url ~* '^https?://[!-~]+$', 'must start with http:// or https:// and hold only visible ASCII characters');
  perform errand.check_argument('callback_url', callback_url !~ '^[^/]*//[^/?#\\]*@', 'must not carry credentials');
  perform errand.check_argument('callback_url', length(callback_url) <= 2048, 'must have at most 2048 characters');

  return query
  select (s.task).id, (s.task).state::text, s.outcome = 'created'
    from errand.submit_tasks(jsonb_build_array(jsonb_build_object(
           'name', name,
           'version', definition.version,
           'payload', payload,
           'priority', coalesce(priority, (definition.policy ->> 'priority')::integer),
           'max_attempts', coalesce(max_attempts, (definition.policy ->> 'maxAttempts')::integer),
           'ring', gen_random_uuid(),
           'due_at', run_at,
           'dedup', nullif(strategy, 'none'),
           'dedup_key', case when strategy = 'key' then dedup_key end,
           'dedup_window_ms', 1000 * coalesce(extract(epoch from dedup_window), (definition.policy #>> '{dedup,windowSeconds}')::float8),
           'tags', to_jsonb(tags),
           'initiator', initiator,
           'source_system', source_system,
           'reason', reason,
           'steps', definition.steps,
           'callback_url', coalesce(callback_url, definition.policy ->> 'callbackUrl')))) s;
end;
$$;
