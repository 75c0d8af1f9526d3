-- A runner leaves tasks whose version is newer than its definition to one that knows it (D6).

-- The version of each definition that a runner has, by the name of the task. Null: it registered before there was this column.
alter table errand.runners add column task_versions jsonb;

create function errand.version_parts_key(parts text) returns text
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

-- The order of versions, as bytes: core/version.ts has it in words.
create function errand.version_key(version text) returns bytea
  language sql immutable strict parallel safe
return (
  with counted as (
    select split_part(regexp_replace(version, '^v(?=[0-9])', ''), '+', 1) as version
  ),
  halves as (
    select regexp_replace(split_part(version, '-', 1), '(\.0+)+$', '') as core,
           case when strpos(version, '-') > 0 then substr(version, strpos(version, '-') + 1) end as before
      from counted
  )
  select convert_to(errand.version_parts_key(core) || coalesce('!0' || errand.version_parts_key(before), '!1'), 'UTF8')
    from halves
);

-- The name under which graphile-worker brings rings of a task name: those that any runner of that name may begin
-- (`version` is null), or those that need a definition of this version at least. graphile-worker takes 128 characters.
create function errand.ring_identifier(name text, version text) returns text
  language sql immutable parallel safe
return case
  when version is null then name
  when length(name) + 1 + length(version) <= 128 then name || '@' || version
  else encode(sha256(convert_to(name, 'UTF8')), 'hex') || '@' || version
end;
