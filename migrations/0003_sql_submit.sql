-- Submits a task from inside an application's own transaction (S10): the task exists if and only if that commits.
--
--   begin;
--   insert into invoices ... returning id;
--   select * from errand.submit('billing.send_invoice', jsonb_build_object('invoice_id', 42));
--   commit;
--
-- The name must be registered by a runner or an API process. The payload must be an object; whether it fits the
-- task's schema is checked when it runs, and one that does not fails for good with the details that HTTP gives.
-- What is null is as the definition's policy has it. The same submission by HTTP and from here is one task.
--
-- It runs with the rights of its owner, so a role of an application needs no more than
--   grant usage on schema errand to my_application;
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
  reason         text        default null
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
  select d.* into definition from errand.definitions d where d.name = submit.name;
  if not found then
    raise exception 'There is no task %', coalesce(quote_literal(name), 'without a name')
      using errcode = 'undefined_object',
            hint = 'Registered: ' || coalesce((select string_agg(d.name, ', ' order by d.name) from errand.definitions d), 'none yet: start a runner');
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
           'reason', reason))) s;
end;
$$;

-- Refuses an argument unless the condition holds; an unknown condition (the argument is null) is fine.
create function errand.check_argument(argument text, holds boolean, problem text) returns void
  language plpgsql immutable
as $$
begin
  if not holds then
    raise exception '%: %', argument, problem using errcode = 'invalid_parameter_value';
  end if;
end;
$$;
