-- The number that JSON.stringify(JSON.parse(…)) gives: the fewest digits that give the same double.
-- Null if no double holds the number. Postgres writes one digit too many for a double that is as
-- near to the shorter number as its neighbour is (1e23), so fewer digits are tried.
create or replace function errand.as_double(number numeric) returns numeric
  language plpgsql immutable strict parallel safe
  set extra_float_digits = 1
as $$
declare
  double   constant float8 := errand.nearest_double(number);
  shortest numeric := trim_scale(double::text::numeric);
  places   integer;
  shorter  numeric;
begin
  if double is null or double = 0 then return double; end if;
  loop
    places := case when shortest <> trunc(shortest) then scale(shortest)
                   else length(rtrim(shortest::text, '0')) - length(shortest::text) end;
    shorter := round(shortest, places - 1);
    exit when errand.nearest_double(shorter) is distinct from double;
    shortest := trim_scale(shorter);
  end loop;
  return shortest;
end;
$$;
