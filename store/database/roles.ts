import type { Pool } from 'pg';
import { inSchemas, type Schemas, schemasOf } from './schemas.ts';

/** The roles to make: one for each process, and for each application that submits by SQL. */
export type Roles = {
  /** Runs migrations, and owns the objects that they make. */
  owner: string | null;
  api: string | null;
  runner: string | null;
  /** Applications, with the namespaces that they may submit to; null means all. */
  submitters: { role: string; namespaces: string[] | null }[];
};

/**
 * The rights of API and runner to write in the ledger; both may read all of it. A new table needs a
 * line here (test/system/process/roles.test.ts).
 */
const WRITES: Record<string, { api?: string; runner?: string }> = {
  tasks: { api: 'insert, update', runner: 'insert, update, delete' },
  attempts: { api: 'insert', runner: 'insert, update, delete' },
  logs: { runner: 'insert, update, delete' },
  runners: { runner: 'insert, update, delete' },
  definitions: { api: 'insert, update', runner: 'insert, update' },
  pauses: { api: 'insert, update, delete' },
  limits: { api: 'insert, update, delete', runner: 'insert, update, delete' },
  limit_keys: { api: 'insert, update', runner: 'insert, update, delete' },
  limit_slots: { api: 'delete', runner: 'insert, update, delete' },
  limit_starts: { api: 'update', runner: 'insert, update, delete' },
  limit_turns: { api: 'insert, update, delete', runner: 'insert, update, delete' },
  limit_ends: { api: 'delete', runner: 'insert, delete' },
  limit_waits: { api: 'insert, update, delete', runner: 'insert, update, delete' },
  error_groups: { api: 'insert, update, delete', runner: 'delete' },
  // The triggers of tasks write the tags and the changes, with the rights of the owner.
  error_counts: { runner: 'insert, update, delete' },
  error_count_changes: { runner: 'update, delete' },
  watch: { api: 'update' },
  rounds: { runner: 'insert, update' },
  rollups: { runner: 'insert, update, delete' },
  rollup_watermark: { runner: 'update' },
  disabled_callbacks: { api: 'delete', runner: 'insert, update' },
  audit: { api: 'insert', runner: 'insert, delete' },
  schedules: { api: 'insert, update, delete', runner: 'insert, update, delete' },
  schedule_runs: { api: 'insert', runner: 'insert, delete' },
};

/** Tables that only the API may read: it signs with them. */
const SECRETS = ['ticket_key'];

/**
 * Tables of graphile-worker. They have row-level security without a policy, so a right alone shows
 * nothing.
 */
const WORKER_RIGHTS = 'insert, update, delete';
const WORKER_TABLES = ['_private_jobs', '_private_job_queues', '_private_tasks', '_private_known_crontabs'];

/**
 * Before Postgres 15 all roles may make functions in the schema public, which others then call
 * instead of Postgres's.
 */
const PUBLIC_SCHEMA_SQL = `-- As in Postgres 15 and newer.
do $$ begin
  if current_setting('server_version_num')::integer < 150000 then revoke create on schema public from public; end if;
end $$;`;

/**
 * Names that need no quotes. A name that is refused here would cause trouble in other places too.
 */
export const ROLE_NAME = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * The SQL that makes roles with the least rights that they need, or updates their rights. It is run
 * again after each migration. It sets no passwords; set them separately (`\password` of psql). One
 * transaction. Throws if a name would need quotes.
 */
export function rolesSql(roles: Roles, schemas: Schemas): string {
  const parts = [
    PUBLIC_SCHEMA_SQL,
    ...(roles.owner === null ? [] : [ownerSql(roles.owner)]),
    ...(roles.api === null ? [] : [processSql(roles.api, 'api')]),
    ...(roles.runner === null
      ? []
      : [processSql(roles.runner, 'runner'), `grant pg_read_all_stats to ${roles.runner};`]),
    ...roles.submitters.map(submitterSql),
  ];
  return inSchemas(['begin;', "set local lock_timeout = '10s';", ...parts, 'commit;'].join('\n\n'), schemas);
}

/** Runs it. */
export async function makeRoles(pool: Pool, roles: Roles): Promise<void> {
  await pool.query(rolesSql(roles, schemasOf(pool.options)));
}

/** The rights that a process needs: on single tables, and to read all tables but `unread`. */
export type RightsNeeded = {
  /** `rights` is a list for `grant`, such as `insert, update`. */
  tables: { isWorker: boolean; table: string; rights: string }[];
  /** Tables of the ledger. */
  unread: readonly string[];
};

/** The rights that the roles above are granted. */
export function rightsNeeded(process: 'api' | 'runner'): RightsNeeded {
  const ledger = Object.entries(WRITES).flatMap(([table, { [process]: rights }]) =>
    rights === undefined ? [] : [{ isWorker: false, table, rights }],
  );
  const worker = WORKER_TABLES.map((table) => ({ isWorker: true, table, rights: WORKER_RIGHTS }));
  return { tables: [...ledger, ...worker], unread: process === 'api' ? [] : SECRETS };
}

function ownerSql(role: string): string {
  return `-- Migrates, and owns what migrations make.
${roleSql(role)}
do $$ begin execute format('grant connect, create on database %I to ${role}', current_database()); end $$;`;
}

function processSql(role: string, process: 'api' | 'runner'): string {
  const writes = Object.entries(WRITES).flatMap(([table, rights]) =>
    rights[process] === undefined ? [] : [`grant ${rights[process]} on errand.${table} to ${role};`],
  );
  return `-- The ${process}: no right to change the schema.
${roleSql(role)}
${connectSql(role)}
grant usage on schema errand, errand_worker to ${role};
revoke all on all tables in schema errand, errand_worker from ${role};
grant select on all tables in schema errand, errand_worker to ${role};
${process === 'api' ? '' : SECRETS.map((table) => `revoke all on errand.${table} from ${role};`).join('\n')}
${writes.join('\n')}
${WORKER_TABLES.map((table) => workerTableSql(role, table)).join('\n')}`;
}

function workerTableSql(role: string, table: string): string {
  return `grant ${WORKER_RIGHTS} on errand_worker.${table} to ${role};
do $$ begin
  if not exists (select from pg_policy where polrelid = 'errand_worker.${table}'::regclass and polname = '${role}') then
    create policy ${role} on errand_worker.${table} to ${role} using (true) with check (true);
  end if;
end $$;`;
}

function submitterSql({ role, namespaces }: Roles['submitters'][number]): string {
  const bound =
    namespaces === null
      ? `delete from errand.submitters where role = '${role}';`
      : `insert into errand.submitters (role, namespaces) values ('${role}', '{${namespaces.join(',')}}')
  on conflict (role) do update set namespaces = excluded.namespaces;`;
  return `-- Submits by errand.submit${namespaces === null ? '' : ` to ${namespaces.join(', ')}`}, and reads nothing.
${roleSql(role)}
${connectSql(role)}
grant usage on schema errand to ${role};
${bound}`;
}

function roleSql(role: string): string {
  if (!ROLE_NAME.test(role))
    throw new Error(`${JSON.stringify(role)} is not a valid role name: use lower case letters, digits and _`);
  return `do $$ begin
  if not exists (select from pg_roles where rolname = '${role}') then create role ${role} login; end if;
end $$;`;
}

function connectSql(role: string): string {
  return `do $$ begin execute format('grant connect on database %I to ${role}', current_database()); end $$;`;
}
