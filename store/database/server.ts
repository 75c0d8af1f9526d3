import type { Database } from './pool.ts';

/**
 * It has function bodies in standard SQL, date_bin() and idle_session_timeout. Functions of 18 that it
 * lacks are in migrations/functions/before_18.
 */
const MIN_SERVER_VERSION = 140_000;

/** The properties of a server and its database that decide whether Errand can work there. */
export type Server = {
  version: string;
  versionNumber: number;
  database: string;
  encoding: string;
  isStandby: boolean;
  isReadOnly: boolean;
};

/** Reads them from the server of a connection. */
export async function readServer(database: Database): Promise<Server> {
  const { rows } = await database.query<Server>(
    `select current_setting('server_version') as version,
            current_setting('server_version_num')::integer as "versionNumber",
            current_database() as database,
            current_setting('server_encoding') as encoding,
            pg_is_in_recovery() as "isStandby",
            current_setting('transaction_read_only') = 'on' as "isReadOnly"`,
  );
  const [server] = rows;
  if (server === undefined) throw new Error('Postgres returned no row for a query that always has one');
  return server;
}

/** Why Errand can never work there, and what to do about it; null if it can. */
export function whyUnsuitable(server: Server): string | null {
  if (server.versionNumber < MIN_SERVER_VERSION)
    return `Postgres ${server.version} is too old: Errand needs Postgres 14 or newer`;
  if (server.encoding !== 'UTF8')
    return (
      `the database ${server.database} has the encoding ${server.encoding}, which cannot hold every text: ` +
      `make a database with create database … encoding 'UTF8' template template0`
    );
  return null;
}

/** Makes the index for searches in error messages. The owner of the schema may run it. */
export const ERROR_INDEX_SQL = `create extension if not exists pg_trgm;
create index concurrently tasks_error_message_idx on errand.tasks using gin ((error ->> 'message') gin_trgm_ops) where error is not null`;

/**
 * Whether the search for a part of an error message has its index. The migration makes it if pg_trgm
 * can be installed.
 */
export async function hasErrorIndex(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ is_there: boolean }>(
    `select to_regclass('errand.tasks_error_message_idx') is not null as is_there`,
  );
  return rows[0]?.is_there === true;
}

/** Why nothing can be written there now; null if it can. */
export function whyReadOnly(server: Server): string | null {
  if (server.isStandby) return 'this server is a hot standby, which is read-only';
  if (server.isReadOnly)
    return 'this role may only read on this server (default_transaction_read_only is on for the server, the database or the role)';
  return null;
}
