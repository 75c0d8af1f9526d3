import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { startPostgres } from '../embedded/postgres.ts';
import { openPool } from '../store/pool.ts';

/** Those of `npm start`, so durable, but with fewer checkpoints, and with a count of the statements. */
const SETTINGS = {
  max_wal_size: '4GB',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.track': 'top',
};

/**
 * What only a large fill notices: no log for a standby, which lets it skip most of the log, and no vacuum on its own,
 * which would fall into the measurements.
 */
export const FOR_LARGE_FILLS = { wal_level: 'minimal', max_wal_senders: '0', autovacuum: 'off' };

const timesSchema = z.array(
  z.object({ id: z.string(), query: z.string(), calls: z.number(), ms: z.number() }),
);
/** Statements by their ids, how often they were sent, and for how many ms they ran. */
export type StatementTimes = z.output<typeof timesSchema>;

/** A Postgres for this run alone. */
export type BenchServer = {
  version: string;
  /** Of the postmaster; all other processes of the server are its children. */
  pid: number;
  /** Makes an empty database with a name of its own. */
  freshDatabase(): Promise<{ name: string; url: string }>;
  /** Drops a database, when those are gone who are just leaving, and whoever is connected to it then. */
  dropDatabase(name: string): Promise<void>;
  /** How many statements clients have sent to a database so far, but for those that say in a comment `bench`. */
  statements(database: string): Promise<number>;
  /** What each statement of a database has taken so far, but for those that say in a comment `bench`. */
  statementTimes(database: string): Promise<StatementTimes>;
  /** Makes an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  /** Stops it, whatever it is doing, and removes all its files. Once; later calls wait for the first. */
  remove(): Promise<void>;
};

/**
 * Starts a Postgres in a new temporary folder, with these settings besides. Throws when it does not start, with
 * nothing left behind.
 */
export async function startServer(settings: Record<string, string> = {}): Promise<BenchServer> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-bench-'));
  try {
    const postgres = await startPostgres({
      directory,
      port: 0,
      settings: { ...SETTINGS, ...settings },
      log: () => {},
    });
    await onServer(postgres.url, 'create extension pg_stat_statements');
    const createDatabase = async (name: string): Promise<string> => {
      await onServer(postgres.url, `create database ${name}`);
      const url = new URL(postgres.url);
      url.pathname = `/${name}`;
      return url.href;
    };
    const statementTimes = async (name: string): Promise<StatementTimes> =>
      timesSchema.parse(JSON.parse(await onServer(postgres.url, statementsOf(name))));
    let made = 0;
    let removed: Promise<void> | undefined;
    return {
      version: await onServer(postgres.url, 'show server_version'),
      pid: postgres.pid,
      createDatabase,
      async freshDatabase() {
        const name = `fresh_${++made}`;
        return { name, url: await createDatabase(name) };
      },
      async dropDatabase(name) {
        await onServer(postgres.url, leftBy(name));
        await onServer(postgres.url, `drop database ${name} with (force)`);
      },
      statementTimes,
      statements: async (name) => (await statementTimes(name)).reduce((sum, { calls }) => sum + calls, 0),
      remove: () => {
        removed ??= postgres.stop().then(() => removeFiles(directory));
        return removed;
      },
    };
  } catch (error) {
    await removeFiles(directory);
    throw error;
  }
}

/** The data are elsewhere when only root may enter the temporary folder. */
async function removeFiles(directory: string): Promise<void> {
  const data = await realpath(join(directory, 'postgres')).catch(() => directory);
  for (const folder of [data, directory]) await rm(folder, { recursive: true, force: true });
}

/** Waits, a second at most: a connection that has said goodbye takes being ended for an error. */
function leftBy(database: string): string {
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
             'id', queryid::text, 'query', query, 'calls', calls, 'ms', total_exec_time)), '[]')::text
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
