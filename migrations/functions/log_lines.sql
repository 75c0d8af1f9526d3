-- The lines of a report, numbered in order.
create or replace function errand.log_lines(lines jsonb)
  returns table (number integer, level text, message text, fields jsonb, at timestamptz)
  language sql immutable parallel safe rows 10
begin atomic
  select line.number::integer, line.level, line.message, line.fields, line.at
    from rows from (jsonb_to_recordset(lines) as (level text, message text, fields jsonb, at timestamptz))
         with ordinality as line (level, message, fields, at, number);
end;
