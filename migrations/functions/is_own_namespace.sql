-- Whether a namespace is one of Errand's built-in tasks, which no client submits by name.
-- core/registry.ts has the same.
create or replace function errand.is_own_namespace(namespace text) returns boolean
  language sql immutable parallel safe
return namespace in ('errand', 'webhook');
