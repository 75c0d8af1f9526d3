import pRetry from 'p-retry';
import type { ClientBase, QueryConfig } from 'pg';

/** The session settings that differ between connections. */
export type SessionLimits = {
  /** Postgres cancels a statement that takes longer. 0: no limit. */
  statementTimeoutMs: number;
  /** The limit for preparing the session, because a half-open connection never answers. */
  withinMs: number;
};

/**
 * The settings that Errand relies on. Roles, databases and servers may set other defaults (`alter
 * role … set`): date formats that are read as another day, isolation levels under which any
 * statement may be refused, timeouts that end a lease. These settings are ours to choose. Whether a
 * session may write is the choice of the server's owner, so default_transaction_read_only is not
 * set here (store/database/server.ts reports it).
 */
const RELIED_ON: Record<string, string> = {
  // How values are written and read. With the DateStyle SQL, `pg` gives null or swaps day and
  // month.
  DateStyle: 'ISO, MDY',
  TimeZone: 'UTC',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  standard_conforming_strings: 'on',
  array_nulls: 'on',
  // Errand names its tables and functions with their schema. All other names are Postgres's own,
  // which come first, unless a search_path says otherwise.
  search_path: 'public',
  // Statements that conflict wait and check again (compare-and-swap); serializable would refuse
  // them.
  default_transaction_isolation: 'read committed',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_session_timeout: '0',
  // graphile-worker's fetch joins with a sequential scan of the complete jobs table unless the
  // planner knows that random reads are cheap: 17 ms instead of 5 ms at 40,000 jobs, and growing.
  random_page_cost: '1.1',
  // A server with LLVM (Debian's) compiles what it takes for expensive. The statement that adds up the figures then took
  // 2.4 s each time instead of 0.1 s.
  jit: 'off',
};

/**
 * Sets these settings on a new connection, in one statement. Every connection to Postgres starts
 * with it.
 *
 * They are not start parameters, because `pg` leaves out a limit of 0, so that the role's limit
 * holds, and PgBouncer refuses most of them. The role's own statement_timeout holds only for this
 * statement, which is therefore retried.
 */
export async function prepareSession(client: ClientBase, limits: SessionLimits): Promise<void> {
  const settings = {
    ...RELIED_ON,
    statement_timeout: String(limits.statementTimeoutMs),
    // A process that vanishes between two statements must not leave its locks behind.
    idle_in_transaction_session_timeout: String(limits.statementTimeoutMs),
  };
  const statement: QueryConfig & { query_timeout: number } = {
    // Settings that this server does not have (transaction_timeout before 17) are left out.
    text: `select set_config(s.name, s.value, false)
             from unnest($1::text[], $2::text[]) as s (name, value)
            where current_setting(s.name, true) is not null`,
    values: [Object.keys(settings), Object.values(settings)],
    query_timeout: limits.withinMs,
  };
  await pRetry(() => client.query(statement), {
    retries: 5,
    minTimeout: 10,
    shouldRetry: ({ error }) => 'code' in error && error.code === '57014',
  });
}
