-- The double nearest to a number; null if it would be infinite, or 0 for a number that is not 0.
create or replace function errand.nearest_double(number numeric) returns float8
  language plpgsql immutable strict parallel safe
as $$
begin
  -- No CASE: Postgres may evaluate the branches for a constant before it knows which one is needed.
  -- Infinite from half a step beyond the largest double on, and 0 up to half of the smallest one.
  if number = 0
     or (abs(number) < (2::numeric ^ 54 - 1) * 2::numeric ^ 970 and abs(number) * 2::numeric ^ 1075 > 1)
  then return number::float8; end if;
  return null;
end;
$$;
