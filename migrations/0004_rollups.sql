-- Sums of finished tasks, so that figures over a window cost the same however large the ledger is.
-- Sums of one minute, of ten minutes and of an hour are kept side by side, each with all tasks that
-- have finished in it so far. A window is read by its hours, and only its start by finer sums. So
-- nothing has to be merged later.

-- Two histograms of finished tasks: of their waits in the queue, and of their durations. Each task
-- is in both; a task that never started has bucket -1. A joint histogram would have nearly as many
-- rows as there are tasks.
create table errand.rollups (
  name       text collate "C" not null,
  -- The tasks that finished in so many minutes from starts_at, which is a multiple of them since
  -- the epoch.
  minutes    smallint not null check (minutes in (1, 10, 60)),
  starts_at  timestamptz not null,
  state      text collate "C" not null,
  -- From when the last attempt was due to its start, or from there to its end.
  measure    text collate "C" not null check (measure in ('wait', 'processing')),
  -- errand.duration_bucket has the bounds.
  bucket     smallint not null,
  tasks      bigint not null,
  -- The attempts that these tasks had made by then.
  attempts   bigint not null,
  -- The sum of the durations.
  ms         float8 not null,
  primary key (name, minutes, starts_at, state, measure, bucket),
  constraint rollups_times_check check (starts_at between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
  -- The last rows are updated repeatedly, so pages keep free space for new versions.
) with (fillfactor = 70);

-- The watermark of the rollups: one row.
create table errand.rollup_watermark (
  is_the_one    boolean primary key default true check (is_the_one),
  -- Tasks that finished before are in errand.rollups; later ones are counted from errand.tasks.
  rolled_up_to  timestamptz not null,
  constraint rollup_watermark_times_check check (
    rolled_up_to between '1970-01-01 00:00:00Z' and '9999-12-31 23:59:59.999999Z')
);
insert into errand.rollup_watermark (rolled_up_to) values (now());
