-- The rules of the registered definitions that hold in the complete pool, of both kinds. Of a rule about what
-- runs at a time, period_ms and burst are null.
create or replace function errand.limit_rules()
  returns table (limit_name text, slots integer, period_ms bigint, burst integer, is_keyed boolean,
                 definition text, namespace text, registered_at timestamptz)
  language sql stable
as $$
  select rule ->> 'name', (rule ->> 'limit')::integer, ceil((rule ->> 'periodSeconds')::numeric * 1000)::bigint,
         (rule ->> 'burst')::integer, coalesce((rule ->> 'isKeyed')::boolean, false), d.name, d.namespace, d.registered_at
    from errand.definitions d
   cross join unnest(array['concurrency', 'rate']) as kind (member)
   cross join lateral jsonb_array_elements(
           case when jsonb_typeof(d.policy -> kind.member) = 'array' then d.policy -> kind.member else '[]' end) rule
   where kind.member = 'rate' or rule ->> 'scope' = 'pool';
$$;
