import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { inject, onTestFinished } from 'vitest';
import { type Postgres, startPostgres } from '../../embedded/postgres.ts';
import { openPool } from '../../store/database/pool.ts';

export type OwnPostgres = {
  url: string;
  pool: Pool;
  /** Ends the server like a crash: connections are cut, and nothing uncommitted is written. */
  crash(): Promise<void>;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** The pid of the server. */
  pid(): number;
  /** Resolves when the server has ended, whether it was asked to or not. */
  exited(): Promise<string>;
};

/**
 * Starts a migrated Postgres for the calling test alone, for tests that stop or kill it. Removed at
 * the end of the test. `settings` and `environment` are added to the defaults; `within` is the
 * folder for its files.
 */
export async function startOwnPostgres(
  more: { settings?: Record<string, string>; environment?: Record<string, string>; within?: string } = {},
): Promise<OwnPostgres> {
  const directory = await mkdtemp(join(more.within ?? tmpdir(), 'errand-own-'));
  execFileSync('cp', ['-a', inject('migratedCluster'), join(directory, 'postgres')]);
  const settings = { fsync: 'off', max_connections: '100', ...more.settings };
  const { environment = {} } = more;
  let server: Postgres = await startPostgres({ directory, port: 0, settings, environment, log: () => {} });
  const { url, port } = server;
  const pool = openPool({
    connectionString: url,
    applicationName: 'test',
    size: 4,
    statementTimeoutMs: 0,
    onError: () => {},
  });
  onTestFinished(async () => {
    await pool.end();
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    url,
    pool,
    pid: () => server.pid,
    exited: () => server.exited,
    async crash() {
      process.kill(server.pid, 'SIGQUIT');
      await server.exited;
    },
    async start() {
      server = await startPostgres({ directory, port, settings, environment, log: () => {} });
    },
  };
}
