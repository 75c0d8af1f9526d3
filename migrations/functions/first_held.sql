-- The first of the dispatch ids with which a runner holds tasks (errand.held_dispatch_id). They are UUIDv8
-- (RFC 9562), as those of errand.shared_dispatch_id, and differ from these in the variant's digit.
create or replace function errand.first_held(runner integer) returns uuid
  language sql immutable parallel safe
return ('ffffffff-' || substr(lpad(to_hex(runner), 8, '0'), 1, 4)
        || '-8' || substr(lpad(to_hex(runner), 8, '0'), 5, 3)
        || '-b' || substr(lpad(to_hex(runner), 8, '0'), 8, 1) || '00-000000000000')::uuid;
