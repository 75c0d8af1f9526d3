-- Sums of finished tasks, so that figures over a window cost the same whatever the ledger holds.

-- A duration in ms, never less than none: a task may start a moment before it was due by another clock. date_part,
-- unlike extract, does without slow exact numbers.
create function errand.duration_ms(duration interval) returns float8
  language sql immutable parallel safe
return case when duration is not null then greatest(date_part('epoch', duration) * 1000, 0) end;

-- The bucket of a histogram that a duration in ms falls into. Bucket 0 ends at 1 ms; each bucket after it ends at
-- √2 times its start; bucket 70, from 2^34.5 ms (nine months) on, is the last. -1: there was no such duration.
-- core/histogram.ts has the bounds.
create function errand.duration_bucket(ms float8) returns smallint
  language sql immutable parallel safe
return case
  when ms is null then -1
  when ms < 1 then 0
  else least(1 + floor(2 * ln(ms) / ln(2::float8)), 70)
end::smallint;

-- Two histograms of finished tasks, of their queue waits and of how long they took, by the minute in which they
-- finished, or by its first minute the hour when that is long ago. Each task is in both; one that never started has
-- bucket -1 there. A joint one would have nearly as many rows as there are tasks.
create table errand.rollups (
  name      text collate "C" not null,
  minute    timestamptz not null,
  state     text collate "C" not null,
  -- From when the last attempt was due to its start, or from there to its end.
  measure   text collate "C" not null check (measure in ('wait', 'processing')),
  bucket    smallint not null,
  tasks     bigint not null,
  -- Made by these tasks up to then.
  attempts  bigint not null,
  -- Summed up.
  ms        float8 not null,
  primary key (name, minute, state, measure, bucket)
  -- The rows of the last minutes are updated again and again: room for that beside them.
) with (fillfactor = 70);

-- How far the sums are: the one row.
create table errand.rollup_watermark (
  is_the_one    boolean primary key default true check (is_the_one),
  -- What finished before is in errand.rollups; what finished since is counted from errand.tasks.
  rolled_up_to  timestamptz not null,
  -- Rows of minutes before it are merged into their hours.
  compacted_to  timestamptz not null
);
insert into errand.rollup_watermark (rolled_up_to, compacted_to) values (now(), date_trunc('hour', now(), 'UTC'));
