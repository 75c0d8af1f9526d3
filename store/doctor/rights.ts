import type { Database } from '../database/pool.ts';
import { rightsNeeded } from '../database/roles.ts';

/** The rights of the connected role. */
export type RightsFacts = {
  role: string;
  /** Whether there are Errand's schemas; without them the lists are empty. */
  hasSchemas: boolean;
  /** Whether it may make schemas in this database, which only the first migration needs. */
  mayCreateSchemas: boolean;
  /** Roles that own something in the schemas that it may not change; empty if it may migrate. */
  otherOwners: string[];
  /** All roles that own something in them. */
  owners: string[];
  /** The rights that the API and the runner need and that it lacks, such as `insert on errand.tasks`. */
  missing: { api: string[]; runner: string[] };
};

/**
 * Reads them from the catalogue. Every role may. The names in it are those of the real schemas. A
 * table that does not exist is left out: the comparison with the manifest has it.
 */
export async function readRights(database: Database): Promise<RightsFacts> {
  const { rows } = await database.query<Omit<RightsFacts, 'missing'>>(ROLE);
  const [role] = rows;
  if (role === undefined) throw new Error('Postgres returned no row for a query that always has one');
  const [api, runner] = [await missing(database, 'api'), await missing(database, 'runner')];
  return { ...role, missing: { api, runner } };
}

const ROLE = `
  with own (id) as (values (to_regnamespace('errand')), (to_regnamespace('errand_worker'))),
  owners as (
    select nspowner as owner from pg_namespace join own on own.id = pg_namespace.oid
    union
    select relowner from pg_class join own on own.id = relnamespace
    union
    select proowner from pg_proc join own on own.id = pronamespace
  )
  select current_user::text as role,
         to_regnamespace('errand') is not null as "hasSchemas",
         has_database_privilege(current_database(), 'create') as "mayCreateSchemas",
         array(select owner::regrole::text
                 from owners
                where not pg_has_role(owner, 'usage')
                order by 1) as "otherOwners",
         array(select owner::regrole::text from owners order by 1) as owners`;

/** $1 to $3: what is needed on single tables; $4: the tables of the ledger that need not be read. */
const LACKING = `
  with own (id, is_worker) as (
    values (to_regnamespace('errand'), false), (to_regnamespace('errand_worker'), true)
  ),
  relations as (
    select c.oid as id, c.relname::text as name, own.is_worker, c.oid::regclass::text as shown
      from own
      join pg_class c on c.relnamespace = own.id
     where c.relkind in ('r', 'v')
  ),
  needed as (
    select r.id, r.shown, one.kind
      from unnest($1::boolean[], $2::text[], $3::text[]) as g (is_worker, name, rights)
      join relations r on r.is_worker = g.is_worker and r.name = g.name
     cross join lateral unnest(string_to_array(g.rights, ', ')) one (kind)
     union all
    select id, shown, 'select' from relations where is_worker or name <> all ($4)
  )
  select 'usage on schema ' || own.id::text as lacking
    from own
   where own.id is not null and not has_schema_privilege(own.id::oid, 'usage')
  union all
  select kind || ' on ' || shown
    from needed
   where not has_table_privilege(id, kind)
  union all
  -- Only its owner sees the rows of such a table without a policy.
  select 'a policy on ' || r.shown
    from relations r
   where r.is_worker
     and r.name = any ($2)
     and row_security_active(r.id)
     and not exists (
           select
             from pg_policy p
            where p.polrelid = r.id
              and (0 = any (p.polroles)
                   or exists (select from unnest(p.polroles) member (id) where pg_has_role(member.id, 'usage'))))
  union all
  select 'execute on function ' || p.oid::regprocedure::text
    from own
    join pg_proc p on p.pronamespace = own.id
   where not has_function_privilege(p.oid, 'execute')`;

/** Without the use of the schema the other rights are worth nothing, so that comes first. */
const MISSING = `
  select lacking
    from (${LACKING}) rights (lacking)
   order by not starts_with(lacking, 'usage'), lacking`;

async function missing(database: Database, process: 'api' | 'runner'): Promise<string[]> {
  const { tables, unread } = rightsNeeded(process);
  const { rows } = await database.query<{ lacking: string }>(MISSING, [
    tables.map(({ isWorker }) => isWorker),
    tables.map(({ table }) => table),
    tables.map(({ rights }) => rights),
    unread,
  ]);
  return rows.map(({ lacking }) => lacking);
}
