-- The number of bytes of a jsonb value as text. If its stored size is small, or already beyond 65,536, it is the
-- stored size: a value that is stored in up to 2,000 bytes has at most about 500 KB, whichever compression Postgres
-- uses, but a text of several MB may be stored in 64 KB, and a hundred of these would exceed the longest string of
-- Node.
create or replace function errand.json_bytes(value jsonb) returns integer
  language sql stable parallel safe
return case
  when pg_column_size(value) between 2000 and 65536 then octet_length(value::text)
  else pg_column_size(value)
end;
