-- The order of versions, as bytes. core/definitions/version.ts describes it.
create or replace function errand.version_key(version text) returns bytea
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
