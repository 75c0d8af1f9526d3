-- An object or array with its numbers as HTTP would have stored them: 1.10 becomes 1.1. A double
-- keeps all numbers of up to 15 digits.
create or replace function errand.as_doubles(container jsonb) returns jsonb
  language plpgsql immutable strict parallel safe
as $$
begin
  if jsonb_typeof(container) = 'object' then
    return coalesce((
      select jsonb_object_agg(p.key, case jsonb_typeof(p.value)
               when 'number' then case when octet_length(p.value::text) <= 15 then to_jsonb(trim_scale(p.value::numeric))
                                       else to_jsonb(errand.as_double(p.value::numeric)) end
               when 'object' then errand.as_doubles(p.value)
               when 'array' then errand.as_doubles(p.value)
               else p.value end)
        from jsonb_each(container) p), '{}');
  end if;
  return coalesce((
    select jsonb_agg(case jsonb_typeof(p.value)
             when 'number' then case when octet_length(p.value::text) <= 15 then to_jsonb(trim_scale(p.value::numeric))
                                     else to_jsonb(errand.as_double(p.value::numeric)) end
             when 'object' then errand.as_doubles(p.value)
             when 'array' then errand.as_doubles(p.value)
             else p.value end)
      from jsonb_array_elements(container) p), '[]');
end;
$$;
