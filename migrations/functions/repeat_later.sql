-- Fails a submission whose task was taken from it at this moment. The same statement can be tried again,
-- as after a serialization failure (40001): errand's processes do so.
create or replace function errand.repeat_later() returns text
  language plpgsql
as $$
begin
  raise exception 'A debounced task has changed at the moment of this submission: submit it again'
    using errcode = 'serialization_failure';
end;
$$;
