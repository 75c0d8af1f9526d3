-- How late the event loop of a runner is: a handler that computes for long delays all others of its process.
alter table errand.runners
  -- The 99th percentile of the last one or two minutes at the last heartbeat, in ms. Null before the first one,
  -- and for a runner of an Errand that does not report it.
  add column event_loop_delay_ms float8,
  add constraint runners_event_loop_delay_check check (event_loop_delay_ms >= 0 and event_loop_delay_ms < 'infinity');
