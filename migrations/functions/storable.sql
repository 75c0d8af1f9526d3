-- A payload as it is stored. Raises `invalid_parameter_value` for a payload that HTTP would refuse,
-- with the same details as JSON. A look at the text finds payloads that need no check: no number of
-- more than 15 digits, none that ends with zeros after the point, and none of the refused keys.
create or replace function errand.storable(payload jsonb) returns jsonb
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
