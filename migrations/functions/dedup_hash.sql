-- The identity of a submission (S5): the SHA-256 of the task's name and its key or canonical
-- payload. The text of a jsonb value is canonical: sorted keys, no duplicate keys, no extra spaces.
create or replace function errand.dedup_hash(name text, dedup text, dedup_key text, payload jsonb) returns bytea
  language sql immutable parallel safe
return case
  when dedup is null then null
  when dedup = 'payload' then sha256(convert_to(name || e'\n' || payload::text, 'UTF8'))
  when dedup = 'schedule' then sha256(convert_to(name || e'\nschedule\n' || dedup_key, 'UTF8'))
  -- Without a key the complete name is one.
  when dedup in ('debounce', 'throttle')
    then sha256(convert_to(name || e'\n' || dedup || e'\n' || coalesce(dedup_key, ''), 'UTF8'))
  -- A name has no line break and a payload starts with a brace, so a key cannot be mistaken for a
  -- payload.
  else sha256(convert_to(name || e'\nkey\n' || dedup_key, 'UTF8'))
end;
