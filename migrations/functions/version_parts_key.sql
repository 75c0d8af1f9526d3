-- The order of the parts between the dots of a version, as text: numbers by their value, and before
-- all words.
create or replace function errand.version_parts_key(parts text) returns text
  language sql immutable strict parallel safe
return (
  select coalesce(
           string_agg(
             case
               when part ~ '^[0-9]+$'
               then '1' || lpad(length(ltrim(part, '0'))::text, 2, '0') || ltrim(part, '0')
               else '2' || part
             end, '#' order by place),
           '2')
    from unnest(string_to_array(parts, '.')) with ordinality as given (part, place)
);
