import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startPostgres } from '../embedded/postgres.ts';
import { openPool } from '../store/database/pool.ts';

/**
 * The settings of `npm start`, so durable, but with fewer checkpoints and with statement counts.
 */
const SETTINGS = {
  max_wal_size: '4GB',
  shared_preload_libraries: 'pg_stat_statements',
};

/**
 * Settings that matter only to a large fill. Without a log for a standby most of the WAL can be
 * skipped, and autovacuum would disturb the measurements.
 */
export const FOR_LARGE_FILLS = { wal_level: 'minimal', max_wal_senders: '0', autovacuum: 'off' };

const timesSchema = z.array(
  z.object({ id: z.string(), query: z.string(), calls: z.number(), ms: z.number() }),
);
/**
 * Statements by their ids, how often they were sent, and for how many ms they ran; with the time of
 * planning if the database tracks it.
 */
export type StatementTimes = z.output<typeof timesSchema>;

/** A Postgres for this run alone. */
export type BenchServer = {
  version: string;
  /** The pid of the postmaster; all other processes of the server are its children. */
  pid: number;
  /** Makes an empty database with a new name. */
  freshDatabase(): Promise<{ name: string; url: string }>;
  /**
   * Drops a database. Waits first for clients that are leaving, then ends all remaining
   * connections.
   */
  dropDatabase(name: string): Promise<void>;
  /**
   * How many statements clients have sent to a database so far, without those that have the comment
   * `bench`.
   */
  statements(database: string): Promise<number>;
  /**
   * The time that each statement of a database has taken so far, without those that have the
   * comment `bench`.
   */
  statementTimes(database: string): Promise<StatementTimes>;
  /** Makes an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  /**
   * Stops the server, whatever it does, and removes all its files. Later calls wait for the first.
   */
  remove(): Promise<void>;
};

/**
 * Starts a Postgres in a new temporary folder, with additional settings. If it does not start, this
 * throws and leaves nothing behind.
 */
export async function startServer(settings: Record<string, string> = {}): Promise<BenchServer> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-bench-'));
  try {
    const { url, pid, stop } = await startPostgres({
      directory,
      port: 0,
      settings: { ...SETTINGS, ...settings },
      log: () => {},
    });
    await onServer(url, 'create extension pg_stat_statements schema public');
    return await benchServer({ url, pid, remove: () => stop().then(() => removeFiles(directory)) });
  } catch (error) {
    await removeFiles(directory);
    throw error;
  }
}

/**
 * A running Postgres for measurements, which has pg_stat_statements. Fresh databases are named
 * after `prefix`, and all are copies of `template`.
 */
export async function benchServer({
  url,
  pid,
  remove,
  prefix = 'fresh_',
  template = 'template1',
}: {
  url: string;
  pid: number;
  remove: () => Promise<void>;
  prefix?: string;
  template?: string;
}): Promise<BenchServer> {
  const createDatabase = async (name: string): Promise<string> => {
    await onServer(url, `create database ${name} template ${template}`);
    await onServer(url, `alter database ${name} set pg_stat_statements.track = 'top'`);
    await onServer(url, `alter database ${name} set compute_query_id = on`);
    return Object.assign(new URL(url), { pathname: `/${name}` }).href;
  };
  const statementTimes = async (name: string): Promise<StatementTimes> =>
    timesSchema.parse(JSON.parse(await onServer(url, statementsOf(name))));
  let made = 0;
  let removed: Promise<void> | undefined;
  return {
    ...{ version: await onServer(url, 'show server_version'), pid, createDatabase, statementTimes },
    async freshDatabase() {
      const name = `${prefix}${++made}`;
      return { name, url: await createDatabase(name) };
    },
    async dropDatabase(name) {
      await onServer(url, waitForLeaving(name));
      await onServer(url, `drop database ${name} with (force)`);
    },
    statements: async (name) => (await statementTimes(name)).reduce((sum, { calls }) => sum + calls, 0),
    remove: () => {
      removed ??= remove();
      return removed;
    },
  };
}

/** The data folder is elsewhere if only root may enter the temporary folder. */
async function removeFiles(directory: string): Promise<void> {
  const data = await realpath(join(directory, 'postgres')).catch(() => directory);
  for (const folder of [data, directory]) await rm(folder, { recursive: true, force: true });
}

/**
 * Waits for leaving clients, at most one second: a connection that is closing reports an error if
 * it is ended.
 */
function waitForLeaving(database: string): string {
  return `
    do $$
    begin
      for attempt in 1..100 loop
        perform pg_stat_clear_snapshot();
        exit when not exists (select from pg_stat_activity
                               where datname = '${database}' and backend_type = 'client backend');
        perform pg_sleep(0.01);
      end loop;
    end $$`;
}

function statementsOf(database: string): string {
  return `
    select coalesce(json_agg(json_build_object(
             'id', queryid::text, 'query', query, 'calls', calls,
             'ms', total_exec_time + total_plan_time)), '[]')::text
      from pg_stat_statements s
      join pg_database d on d.oid = s.dbid
     where d.datname = '${database}' and s.query not like '%/* bench */%'`;
}

async function onServer(url: string, statement: string): Promise<string> {
  const pool = openPool({
    connectionString: url,
    applicationName: 'errand bench',
    size: 1,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  try {
    const { rows } = await pool.query<Record<string, string>>(statement);
    return Object.values(rows[0] ?? {})[0] ?? '';
  } finally {
    await pool.end();
  }
}
