-- The state of a task as a duplicate submission sees it. One whose time is over has expired, although its row
-- does not say so for another moment (store/attempts/expire.ts). Postgres inlines the expression.
create or replace function errand.state_now(state text, expires_at timestamptz) returns text
  language sql stable
return case when expires_at <= now() and state in ('scheduled', 'queued') then 'expired' else state end;
