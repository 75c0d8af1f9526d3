import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../embedded/postgres.ts';
import { openPool } from '../store/pool.ts';

/**
 * Those of `npm start`, so durable, but for what only a large fill notices: no log for a standby, which lets it skip
 * most of the log, fewer checkpoints, and no vacuum on its own, which would fall into the measurements.
 */
const SETTINGS = { wal_level: 'minimal', max_wal_senders: '0', max_wal_size: '4GB', autovacuum: 'off' };

/** A Postgres for this run alone. */
export type BenchServer = {
  version: string;
  /** Makes an empty database and gives its URL. */
  createDatabase(name: string): Promise<string>;
  /** Stops it, whatever it is doing, and removes all its files. Once; later calls wait for the first. */
  remove(): Promise<void>;
};

/** Starts a Postgres in a new temporary folder. Throws when it does not start, with nothing left behind. */
export async function startServer(): Promise<BenchServer> {
  const directory = await mkdtemp(join(tmpdir(), 'errand-bench-'));
  try {
    const postgres = await startPostgres({ directory, port: 0, settings: SETTINGS, log: () => {} });
    let removed: Promise<void> | undefined;
    return {
      version: await onServer(postgres.url, 'show server_version'),
      createDatabase: async (name) => {
        await onServer(postgres.url, `create database ${name}`);
        const url = new URL(postgres.url);
        url.pathname = `/${name}`;
        return url.href;
      },
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
