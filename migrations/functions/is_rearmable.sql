-- Whether a submission re-arms the task that it is a duplicate of. The task must have ended without
-- success. If an operator has ended it or a part of it, only an operator's submission re-arms it. An expired task
-- has not been run, and nobody has ended it.
create or replace function errand.is_rearmable(id uuid, state text, children integer, may_operate boolean) returns boolean
  language sql stable
return state in ('failed', 'cancelled', 'expired')
   and (may_operate or state = 'expired' or state = 'failed' and (coalesce(children, 0) = 0 or not errand.has_cancelled_part(id)));
