-- The last of the dispatch ids with which a runner holds tasks (errand.held_dispatch_id).
create or replace function errand.last_held(runner integer) returns uuid
  language sql immutable parallel safe
return overlay(errand.first_held(runner)::text placing 'ff-ffffffffffff' from 22)::uuid;
