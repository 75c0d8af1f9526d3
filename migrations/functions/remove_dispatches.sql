-- Removes dispatches that no task names any more, so that a task that is moved often does not leave one
-- each time. One that announces other tasks too stays, and so does one that is being fetched: it finds
-- nothing due. graphile-worker finds a job by its key.
create or replace function errand.remove_dispatches(dispatch_ids uuid[]) returns bigint
  language plpgsql
as $$
begin
  return (
    select count(*)
      from errand_worker.complete_jobs(array(
             select job.id
               from errand_worker._private_jobs job
              where job.key = any (array(select given.id::text from unnest(dispatch_ids) as given (id)))
                and json_array_length(job.payload) = 1)) removed);
end;
$$;
