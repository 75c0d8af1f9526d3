-- A task as in the API's answers, but without its payload, and without a result of more than 256
-- KiB.
create or replace function errand.callback_data(t errand.tasks) returns jsonb
  language sql stable
return (
  select jsonb_build_object(
           'id', t.id, 'name', t.name, 'namespace', split_part(t.name, '.', 1), 'version', t.version, 'state', t.state,
           'priority', t.priority, 'attempt', t.attempt, 'max_attempts', t.max_attempts,
           'created_at', errand.iso_time(errand.uuid_time(t.id)), 'run_at', errand.iso_time(t.run_at),
           'expires_at', errand.iso_time(t.expires_at),
           'started_at', errand.iso_time(t.started_at), 'finished_at', errand.iso_time(t.finished_at),
           'runner_id', t.runner_id, 'crashes', t.crashes,
           'cancel_requested_at', errand.iso_time(t.cancel_requested_at),
           'progress', t.progress, 'progress_note', t.progress_note,
           'result', case when not large.is_so then t.result end, 'result_truncated', large.is_so,
           'error', t.error, 'dedup', t.dedup, 'dedup_key', t.dedup_key, 'debounced', t.debounced, 'concurrency_key', t.concurrency_key,
           'timeout_seconds', t.timeout_ms / 1000.0::float8, 'tags', t.tags, 'initiator', t.initiator, 'submitted_by', t.submitted_by,
           'source_system', t.source_system, 'reason', t.reason, 'request_id', t.request_id,
           'traceparent', t.traceparent, 'callback_url', t.callback_url, 'parent_id', t.parent_id, 'step', t.step,
           'skipped', t.skipped, 'children', t.children,
           'schedule_id', t.schedule_id, 'scheduled_for', errand.iso_time(t.scheduled_for),
           'dismissed_at', case when t.dismissed_at >= t.finished_at then errand.iso_time(t.dismissed_at) end,
           'resubmitted_as', t.resubmitted_as, 'resubmission_of', t.resubmission_of)
    from (select coalesce(octet_length(t.result::text) > 262144, false) as is_so) large
);
