-- The histogram bucket of a duration in ms. Bucket 0 ends at 1 ms. Each bucket after it ends at √2
-- times its start. Bucket 70, from 2^34.5 ms (nine months), is the last. -1 means no duration.
-- core/histogram.ts has the bounds.
create or replace function errand.duration_bucket(ms float8) returns smallint
  language sql immutable parallel safe
return case
  when ms is null then -1
  when ms < 1 then 0
  else least(1 + floor(2 * ln(ms) / ln(2::float8)), 70)
end::smallint;
