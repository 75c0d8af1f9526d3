-- The problem of a payload that is too large, or null. As over HTTP, it counts a body that has only
-- the payload (core/json/json_text.ts): bytes, values (properties and items), and different
-- property names.
create or replace function errand.payload_excess(payload jsonb) returns text
  language plpgsql immutable strict parallel safe
as $$
declare
  body       constant text := '{"payload": ' || payload::text || '}';
  a_text     constant text := '"((?:[^"\\]|\\.)*)"';
  structure  text;
  parts      integer;
begin
  if octet_length(body) > 10485760 then
    return 'must have at most 10 MB as JSON: keep it elsewhere, and send where it is';
  end if;
  -- Too many values or names need a longer body.
  if octet_length(body) <= 250000 then return null; end if;
  structure := regexp_replace(body, a_text, '', 'g');
  parts := 1 + length(structure) - length(translate(structure, ',{[', ''));
  if parts > 500000 then
    return 'must have at most 500000 values (properties and items): send it in parts';
  end if;
  if length(structure) - length(translate(structure, ':', '')) > 50000
     and (select count(distinct t.matched[1]) from regexp_matches(body, a_text || '(:?)', 'g') t (matched) where t.matched[2] = ':') > 50000 then
    return 'must have at most 50000 different names of properties: send it in parts';
  end if;
  return null;
end;
$$;
