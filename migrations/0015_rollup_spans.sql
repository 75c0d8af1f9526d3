-- Sums of ten minutes and of an hour beside those of a minute, each of all that has finished in them so far: a window
-- is then read by the hours in it, and only its beginning by what is finer. So there is nothing to merge later.

alter table errand.rollups rename to rollups_until_now;
alter table errand.rollups_until_now rename constraint rollups_pkey to rollups_until_now_pkey;

-- Two histograms of finished tasks, of their queue waits and of how long they took. Each task is in both; one that
-- never started has bucket -1 there. A joint one would have nearly as many rows as there are tasks.
create table errand.rollups (
  name       text collate "C" not null,
  -- Of what finished in so many minutes from then on; even ones of the epoch.
  minutes    smallint not null check (minutes in (1, 10, 60)),
  starts_at  timestamptz not null,
  state      text collate "C" not null,
  -- From when the last attempt was due to its start, or from there to its end.
  measure    text collate "C" not null check (measure in ('wait', 'processing')),
  bucket     smallint not null,
  tasks      bigint not null,
  -- Made by these tasks up to then.
  attempts   bigint not null,
  -- Summed up.
  ms         float8 not null,
  primary key (name, minutes, starts_at, state, measure, bucket)
  -- The last rows are updated again and again: room for that beside them.
) with (fillfactor = 70);

-- Those before compacted_to are of hours already.
insert into errand.rollups (name, minutes, starts_at, state, measure, bucket, tasks, attempts, ms)
select r.name, span.minutes, date_bin(make_interval(mins => span.minutes), r.minute, 'epoch') as starts_at,
       r.state, r.measure, r.bucket, sum(r.tasks), sum(r.attempts), sum(r.ms)
  from errand.rollups_until_now r
 cross join errand.rollup_watermark w
 cross join (values (1), (10), (60)) span (minutes)
 where span.minutes = 60 or r.minute >= w.compacted_to
 group by r.name, span.minutes, starts_at, r.state, r.measure, r.bucket;

drop table errand.rollups_until_now;
alter table errand.rollup_watermark drop column compacted_to;
