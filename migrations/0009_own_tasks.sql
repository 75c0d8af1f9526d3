-- Errand's own tasks (errand.bulk) act on whatever is in the ledger: the API submits them for an operator, and nobody
-- else does. Applications submit by this function, which therefore does not know them.
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
  select d.* into definition
    from errand.definitions d
   where d.name = submit.name and d.namespace <> 'errand';
  if not found then
    raise exception 'There is no task %', coalesce(quote_literal(name), 'without a name')
      using errcode = 'undefined_object',
            hint = 'Registered: ' || coalesce((select string_agg(d.name, ', ' order by d.name) from errand.definitions d where d.namespace <> 'errand'), 'none yet: start a runner');
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
