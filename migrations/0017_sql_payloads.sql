-- Payloads by SQL as over HTTP: what a double does not hold is refused with its path, and equal payloads are one task.

-- The double nearest to a number; null when that is infinite, or 0 for another number.
create function errand.nearest_double(number numeric) returns float8
  language plpgsql immutable strict parallel safe
as $$
begin
  -- No CASE: of a constant, Postgres may compute its branches before it knows which one counts.
  if pg_input_is_valid(number::text, 'float8') then return number::float8; end if;
  return null;
end;
$$;

-- What JSON.stringify(JSON.parse(…)) makes of a number: the fewest digits that give the same double. Null when no double
-- holds it. Postgres writes one digit too many for a double that is as near to the shorter number as its neighbour is
-- (1e23), so fewer digits are tried.
create function errand.as_double(number numeric) returns numeric
  language plpgsql immutable strict parallel safe
  set extra_float_digits = 1
as $$
declare
  double   constant float8 := errand.nearest_double(number);
  shortest numeric := trim_scale(double::text::numeric);
  places   integer;
  shorter  numeric;
begin
  if double is null or double = 0 then return double; end if;
  loop
    places := case when shortest <> trunc(shortest) then scale(shortest)
                   else length(rtrim(shortest::text, '0')) - length(shortest::text) end;
    shorter := round(shortest, places - 1);
    exit when errand.nearest_double(shorter) is distinct from double;
    shortest := trim_scale(shorter);
  end loop;
  return shortest;
end;
$$;

-- An object or array with the numbers in it as HTTP would have stored them: 1.10 is 1.1. A double keeps all of up to 15 digits.
create function errand.as_doubles(whole jsonb) returns jsonb
  language plpgsql immutable strict parallel safe
as $$
begin
  if jsonb_typeof(whole) = 'object' then
    return coalesce((
      select jsonb_object_agg(p.key, case jsonb_typeof(p.value)
               when 'number' then case when octet_length(p.value::text) <= 15 then to_jsonb(trim_scale(p.value::numeric))
                                       else to_jsonb(errand.as_double(p.value::numeric)) end
               when 'object' then errand.as_doubles(p.value)
               when 'array' then errand.as_doubles(p.value)
               else p.value end)
        from jsonb_each(whole) p), '{}');
  end if;
  return coalesce((
    select jsonb_agg(case jsonb_typeof(p.value)
             when 'number' then case when octet_length(p.value::text) <= 15 then to_jsonb(trim_scale(p.value::numeric))
                                     else to_jsonb(errand.as_double(p.value::numeric)) end
             when 'object' then errand.as_doubles(p.value)
             when 'array' then errand.as_doubles(p.value)
             else p.value end)
      from jsonb_array_elements(whole) p), '[]');
end;
$$;

-- What `storageProblems` of core/json.ts finds in a payload that is jsonb, in the same words: at most 100, by their paths.
-- Texts that Postgres can't hold are no jsonb, so they are not looked for.
create function errand.payload_problems(payload jsonb) returns table (path text, message text)
  language sql immutable parallel safe
begin atomic
  with recursive parts as (
    select '/payload' as path, payload as value, 1 as depth, null::text as problem
    union all
    select p.path || '/' || c.step, c.value, p.depth + 1,
           case
             when c.key = '__proto__' then 'is a key that is not accepted: it could reach an object prototype'
             when c.key = 'constructor' and jsonb_typeof(c.value) = 'object' and c.value ? 'prototype' then
               'is a key that is not accepted with a prototype inside: it could reach an object prototype'
             when p.depth >= 64 and jsonb_typeof(c.value) in ('object', 'array') then
               'is nested deeper than 64 levels'
             when jsonb_typeof(c.value) = 'number' and octet_length(c.value::text) > 15 then
               (select case
                         when d.double is null then 'is a number outside the range of a double'
                         when d.double <> d.number and d.number = trunc(d.number) then
                           'is an integer beyond ±2^53 that can not be held exactly: send it as a string'
                       end || ', got ' || left(d.number::text, 100) || case when length(d.number::text) > 100 then '…' else '' end
                  from (select c.value::numeric as number, errand.as_double(c.value::numeric) as double) d)
           end
      from parts p
     cross join lateral (
             select replace(replace(o.key, '~', '~0'), '/', '~1') as step, o.key, o.value
               from jsonb_each(case when jsonb_typeof(p.value) = 'object' then p.value end) o
             union all
             select (a.ordinality - 1)::text, null, a.value
               from jsonb_array_elements(case when jsonb_typeof(p.value) = 'array' then p.value end) with ordinality a (value, ordinality)
           ) c
     where p.problem is null and jsonb_typeof(p.value) in ('object', 'array')
  )
  select left(p.path, 500) || case when length(p.path) > 500 then '…' else '' end, p.problem
    from parts p
   where p.problem is not null
   order by p.path collate "C"
   limit 100;
end;

-- A payload as it is stored. Raises `invalid_parameter_value` for one that HTTP would refuse, with the details that it would
-- give as JSON. A look at the text tells what needs no more: no number of more than 15 digits, none that ends with zeros
-- behind the point, and none of the keys.
create function errand.storable(payload jsonb) returns jsonb
  language plpgsql immutable strict parallel safe
as $$
declare
  written  constant text := payload::text;
  has_long constant boolean := written ~ '[[ -][0-9.]{16}';
  problems jsonb;
begin
  if has_long or strpos(written, '"__proto__"') > 0 or strpos(written, '"constructor"') > 0
     or octet_length(written) > 128 and jsonb_path_exists(payload, 'strict $.**{64}') then
    select jsonb_agg(to_jsonb(p)) into problems from errand.payload_problems(payload) p;
    if problems is not null then
      raise exception '%', concat_ws(' ', problems #>> '{0,path}', problems #>> '{0,message}')
        using errcode = 'invalid_parameter_value', detail = problems::text;
    end if;
  end if;
  if has_long or written ~ '[.][0-9]*0[],}]' then
    return errand.as_doubles(payload);
  end if;
  return payload;
end;
$$;

-- As before, but the payload is stored as HTTP would store it, or refused.
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
  payload := errand.storable(payload);
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
