-- The graphile-worker job that announces attempts: a dispatch of one name, priority and due time,
-- with the ids of its tasks as the payload. Its key is a new UUID that is never added twice:
-- add_job with a contended key can return an all-NULL row, and that work never runs
-- (graphile/worker#580). In graphile-worker even a fetch counts as an attempt, hence the 32767.
create or replace function errand.dispatch_spec(dispatch_id uuid, name text, priority smallint, run_at timestamptz, task_ids uuid[])
  returns errand_worker.job_spec
  language sql stable parallel safe
return (name, to_json(task_ids), null, run_at, 32767, dispatch_id::text, priority, null)::errand_worker.job_spec;
