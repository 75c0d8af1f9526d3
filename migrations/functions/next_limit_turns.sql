-- The next waits of a limit without keys, at most `most`: one of each turn key, in the order of their turns; more
-- of each if there are fewer turn keys than `most`. If some of these have fewer waits, there may be more. Uses
-- limit_turns_next_idx.
create or replace function errand.next_limit_turns(of_limit text, most bigint) returns setof errand.limit_waits
  language sql stable
as $$
  select w.*
    from errand.limit_turns t
   cross join lateral errand.next_limit_waits(
           of_limit, '', t.turn_key,
           (select ceil(greatest(most, 1)::numeric / greatest(count(*), 1))::bigint
              from (select from errand.limit_turns c where c.limit_name = of_limit limit greatest(most, 1)) counted)) w
   where t.limit_name = of_limit
   order by t.last_turn, t.turn_key
   limit greatest(most, 0);
$$;
