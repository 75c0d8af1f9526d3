-- A payload as answers show it: for http.request without the secrets in its headers. The row keeps
-- the submitted payload, because that is executed and identifies duplicates.
create or replace function errand.shown_payload(name text, payload jsonb) returns jsonb
  language sql immutable parallel safe
return case
  when name <> 'http.request' or jsonb_typeof(payload -> 'headers') is distinct from 'object' then payload
  else payload || jsonb_build_object('headers', (
    select coalesce(jsonb_object_agg(
             header.key,
             -- The same names as in tasks/http/secret_headers.ts.
             case when header.key ~* 'auth|cookie|token|secret|password|key' and lower(header.key) <> 'idempotency-key'
                  then '"***"'::jsonb
                  else header.value end), '{}')
      from jsonb_each(payload -> 'headers') header))
end;
