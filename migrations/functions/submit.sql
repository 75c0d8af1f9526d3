-- Submits a task inside an application's own transaction (S10): the task exists if and only if that
-- transaction commits.
--
--   begin;
--   insert into invoices ... returning id;
--   select * from errand.submit('billing.send_invoice', jsonb_build_object('invoice_id', 42));
--   commit;
--
-- A runner or an API process must have registered the name. A step cannot be submitted; a workflow
-- is submitted with its steps. Built-in tasks (errand.bulk) act on everything in the ledger, so only
-- the API submits them, for an operator.
--
-- The payload must be an object. It is stored as HTTP would store it, or refused. Its schema is
-- checked when it runs: if the payload does not fit, the task fails permanently with the details
-- that HTTP gives. All other arguments have the same bounds as over HTTP. A null argument has the
-- default of the definition's policy. The same submission over HTTP and from here is one task.
-- Whether the URL of a callback may be called, and whether there is a secret to sign with, is
-- checked at the delivery.
--
-- It runs with the rights of its owner, so an application's role needs only
--   grant usage on schema errand to my_application;
-- and errand.submitters may limit it to namespaces. The submitter is `session_user`, the role that
-- has logged in: `current_user` is the owner of this function.
--
-- It runs in the sessions of applications, which have their own settings, so it sets its own:
-- extra_float_digits below 1 shortens a deduplication window, and without
-- standard_conforming_strings its regular expressions change (test/fast/store/submit/sql_settings.test.ts).
create or replace function errand.submit(
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
  callback_url   text        default null, -- http or https, notified of the end of the task
  debounce       interval    default null, -- with others of this key until then: the last payload runs
  throttle       interval    default null, -- for this time the first of this key counts
  expires_in     interval    default null, -- it ends as expired unless it starts so long after run_at
  concurrency_key text       default null, -- the key of the limits with keys, in place of what they compute
  timeout        interval    default null  -- how long an attempt may take
)
  returns table (id uuid, state text, created boolean)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set DateStyle = 'ISO, MDY'
  set TimeZone = 'UTC'
  set IntervalStyle = 'postgres'
  set extra_float_digits = 1
  set standard_conforming_strings = on
as $$
#variable_conflict use_variable
declare
  definition  errand.definitions;
  strategy    text;
  burst       text; -- debounce or throttle, which replace the strategy
  seconds     float8;
  allowed     text[];
  wrong       record;
begin
  select s.namespaces into allowed from errand.submitters s where s.role = session_user;
  if not split_part(name, '.', 1) = any (allowed) then
    raise exception 'The role % may not submit tasks of the namespace %', quote_ident(session_user), left(split_part(name, '.', 1), 100)
      using errcode = 'insufficient_privilege',
            hint = format('%s.submitters lets it submit to %s.', 'errand'::regnamespace, coalesce(nullif(array_to_string(allowed, ', '), ''), 'none'));
  end if;
  select d.* into definition
    from errand.definitions d
   where d.name = submit.name and not errand.is_own_namespace(d.namespace) and d.workflow is null;
  if not found then
    raise exception 'There is no task %', coalesce(quote_literal(left(name, 256)), 'without a name')
      using errcode = 'undefined_object',
            hint = 'Registered: ' || coalesce((
              select string_agg(d.name, ', ' order by d.name)
                from errand.definitions d
               where not errand.is_own_namespace(d.namespace) and d.workflow is null
                 and (allowed is null or d.namespace = any (allowed))), 'none yet: start a runner');
  end if;
  burst := case
    when debounce is not null then 'debounce'
    when throttle is not null then 'throttle'
    when dedup is not null then null
    when definition.policy ? 'debounceSeconds' then 'debounce'
    when definition.policy ? 'throttleSeconds' then 'throttle'
  end;
  seconds := coalesce(extract(epoch from debounce), extract(epoch from throttle),
                      (definition.policy ->> (burst || 'Seconds'))::float8);
  strategy := coalesce(dedup, case when dedup_key is not null then 'key' end, definition.policy #>> '{dedup,strategy}');

  -- The conditions of each argument, with the messages of HTTP where it has some. A null argument
  -- fulfils them.
  select c.argument, c.problem || errand.got(c.value) as problem
    into wrong
    from (values
      ('payload', payload is not null and jsonb_typeof(payload) = 'object', 'must be a JSON object', to_jsonb(jsonb_typeof(payload))),
      ('dedup', strategy in ('payload', 'key', 'none'), 'must be payload, key or none', to_jsonb(left(dedup, 101))),
      ('dedup_key', strategy <> 'key' or dedup_key is not null, 'is needed: this submission is deduplicated by key', null),
      ('dedup_key', burst is null or definition.policy #>> '{dedup,strategy}' <> 'key' or dedup_key is not null,
                    'is needed: this submission is deduplicated by key', null),
      ('debounce', extract(epoch from debounce) between 1 and 31622400, 'must be from 1 second to 366 days', to_jsonb(debounce)),
      ('throttle', extract(epoch from throttle) between 1 and 31622400, 'must be from 1 second to 366 days', to_jsonb(throttle)),
      ('throttle', throttle is null or debounce is null,
                   'must not be combined with debounce: one takes the last submission, the other the first', to_jsonb(throttle)),
      ('dedup', burst is null or dedup is null,
                format('must not be combined with %s: a burst is recognised by dedup_key or the name', burst), to_jsonb(left(dedup, 101))),
      ('dedup_window', burst is null or dedup_window is null, format('must not be combined with %s, which is the window', burst),
                       to_jsonb(dedup_window)),
      ('run_at', burst is distinct from 'debounce' or run_at is null,
                 'must not be combined with debounce: the task is due when the burst is over', to_jsonb(run_at)),
      ('dedup_key', length(dedup_key) between 1 and 512, 'must have 1 to 512 characters', to_jsonb(left(dedup_key, 101))),
      ('dedup_window', extract(epoch from dedup_window) between 1 and 31622400, 'must be from 1 second to 366 days', to_jsonb(dedup_window)),
      ('expires_in', extract(epoch from expires_in) between 1 and 31622400, 'must be from 1 second to 366 days', to_jsonb(expires_in)),
      ('expires_in', expires_in is null or definition.steps is null, 'must not be given for a workflow, which starts as soon as it is due', null),
      ('concurrency_key', length(concurrency_key) between 1 and 512, 'must have 1 to 512 characters', to_jsonb(left(concurrency_key, 101))),
      ('concurrency_key', concurrency_key is null or definition.policy @? '$.keyvalue() ? (@.key == "concurrency" || @.key == "rate").value[*] ? (@.isKeyed == true)',
                          'must not be given: the task has no limit with a key', null),
      ('timeout', extract(epoch from timeout) between 1 and 86400, 'must be from 1 second to 1 day', to_jsonb(timeout)),
      ('timeout', timeout is null or definition.steps is null,
                  'must not be given for a workflow: its steps do the work, and their policies have time limits', null),
      ('priority', priority between -1000 and 1000, 'must be from -1000 to 1000', to_jsonb(priority)),
      ('max_attempts', max_attempts between 1 and 1000, 'must be from 1 to 1000', to_jsonb(max_attempts)),
      ('run_at', run_at >= '1970-01-01 00:00:00Z' and run_at < '10000-01-01 00:00:00Z',
                 'must be a time from 1970 to 9999 such as 2026-01-31T12:00:00Z', to_jsonb(run_at)),
      ('tags', tags is not null and cardinality(tags) <= 20 and coalesce(array_ndims(tags), 1) = 1,
               'must be at most 20, none of them null', to_jsonb(cardinality(tags))),
      ('tags', (select bool_and(tag is not null) from unnest(tags) tag), 'must be at most 20, none of them null', null),
      ('tags', (select bool_and(length(tag) between 1 and 100) from unnest(tags) tag), 'must have 1 to 100 characters each',
               (select to_jsonb(left(tag, 101)) from unnest(tags) tag where length(tag) not between 1 and 100 limit 1)),
      ('tags', (select count(distinct tag) = count(tag) from unnest(tags) tag), 'must not have one twice', null),
      ('initiator', length(initiator) between 1 and 200, 'must have 1 to 200 characters', to_jsonb(left(initiator, 101))),
      ('source_system', length(source_system) between 1 and 200, 'must have 1 to 200 characters', to_jsonb(left(source_system, 101))),
      ('reason', length(reason) between 1 and 1000, 'must have 1 to 1000 characters', to_jsonb(left(reason, 101))),
      ('callback_url', length(callback_url) <= 2048, 'must have at most 2048 characters', to_jsonb(left(callback_url, 101))),
      ('callback_url', callback_url ~* '^https?://[!-~]+$', 'must start with http:// or https:// and hold only visible ASCII characters',
                       to_jsonb(left(callback_url, 101))),
      ('callback_url', callback_url !~ '^[^/]*//[^/?#\\]*@', 'must not contain credentials', null),
      ('callback_url', callback_url ~* '^https?:[/\\]+([^][/?#\\:@<>^|]+|\[[0-9a-f:.]+\])(:0*([1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])?)?([/?#\\].*)?$',
                       'is not a URL', to_jsonb(left(callback_url, 101)))
    ) c (argument, holds, problem, value)
   where not c.holds
   limit 1;
  if found then
    raise exception '%: %', wrong.argument, wrong.problem using errcode = 'invalid_parameter_value';
  end if;
  if errand.payload_excess(payload) is not null then
    raise exception 'payload: %', errand.payload_excess(payload) using errcode = 'invalid_parameter_value';
  end if;
  payload := errand.storable(payload);

  return query
  select (s.task).id, (s.task).state::text, s.outcome = 'created'
    from errand.submit_tasks(jsonb_build_array(jsonb_build_object(
           'name', name,
           'version', definition.version,
           'payload', payload,
           'priority', coalesce(priority, (definition.policy ->> 'priority')::integer),
           'max_attempts', coalesce(max_attempts, (definition.policy ->> 'maxAttempts')::integer),
           'dispatch_id', gen_random_uuid(),
           'due_at', run_at,
           'expires_in_ms', 1000 * coalesce(extract(epoch from expires_in), (definition.policy ->> 'expiresInSeconds')::float8),
           'concurrency_key', concurrency_key,
           'timeout_ms', round(1000 * extract(epoch from timeout)),
           'dedup', coalesce(burst, nullif(strategy, 'none')),
           'dedup_key', case when burst is not null or strategy = 'key' then dedup_key end,
           'dedup_window_ms', case
             when burst is null
               then 1000 * coalesce(extract(epoch from dedup_window), (definition.policy #>> '{dedup,windowSeconds}')::float8)
             when burst = 'throttle' then 1000 * seconds
           end,
           'debounce_ms', case when burst = 'debounce' then 1000 * seconds end,
           -- As debounceMaxSeconds of core/definitions/policy.ts.
           'debounce_max_ms', case
             when burst = 'debounce'
               then 1000 * greatest(seconds, least(coalesce((definition.policy ->> 'debounceMaxSeconds')::float8, 10 * seconds), 31622400))
           end,
           'tags', to_jsonb(tags),
           'initiator', initiator,
           'source_system', source_system,
           'reason', reason,
           'submitted_by', 'sql:' || session_user,
           'steps', definition.steps,
           'callback_url', coalesce(callback_url, definition.policy ->> 'callbackUrl')))) s;
end;
$$;
