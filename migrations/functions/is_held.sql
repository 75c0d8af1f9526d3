-- Whether a live runner holds a due task of this dispatch id (errand.held_dispatch_id). Such a task has no job.
create or replace function errand.is_held(dispatch_id uuid) returns boolean
  language sql stable parallel safe
return (
  dispatch_id >= 'ffffffff-0000-8000-b000-000000000000'
  and exists (
        select
          from errand.runners r
         where r.ended_at is null and dispatch_id between errand.first_held(r.id) and errand.last_held(r.id))
);
