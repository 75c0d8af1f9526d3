-- The problems that `storageProblems` of core/json/json.ts finds in a jsonb payload, with the same
-- messages: at most 100, by their paths. Texts that Postgres cannot hold cannot be in jsonb, so
-- they are not checked.
create or replace function errand.payload_problems(payload jsonb) returns table (path text, message text)
  language sql immutable parallel safe
begin atomic
  with recursive parts as (
    select '/payload' as path, payload as value, 1 as depth, null::text as problem
    union all
    select p.path || '/' || c.step, c.value, p.depth + 1,
           case
             when c.key = '__proto__' then 'is not accepted as a key, because it could change an object prototype'
             when c.key = 'constructor' and jsonb_typeof(c.value) = 'object' and c.value ? 'prototype' then
               'is not accepted as a key with a prototype inside, because it could change an object prototype'
             when p.depth >= 64 and jsonb_typeof(c.value) in ('object', 'array') then
               'is nested deeper than 64 levels'
             when jsonb_typeof(c.value) = 'number' and octet_length(c.value::text) > 15 then
               (select case
                         when d.double is null then 'is a number outside the range of a double'
                         when d.double <> d.number and d.number = trunc(d.number) then
                           'is an integer beyond ±2^53 that cannot be stored exactly: send it as a string'
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
