import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Pool } from 'pg';
import { onTestFinished } from 'vitest';
import { type Postgres, startPostgres } from '../../embedded/postgres.ts';
import { migrate } from '../../store/migrate.ts';
import { openPool } from '../../store/pool.ts';

export type OwnPostgres = {
  url: string;
  pool: Pool;
  /** Ends the server as a crash would: connections cut, nothing written that was not committed. */
  crash(): Promise<void>;
  /** Starts it again, on the same port and data. */
  start(): Promise<void>;
  /** The id of the server's process. */
  pid(): number;
  /** Resolves when the server's process has ended, asked to or not. */
  exited(): Promise<string>;
};

/**
 * A migrated Postgres of the calling test alone, for tests that stop or kill it. Removed when the test is done.
 * `settings` are added to its own; `within` is a folder to put it in.
 */
export async function startOwnPostgres(
  more: { settings?: Record<string, string>; within?: string } = {},
): Promise<OwnPostgres> {
  const directory = await mkdtemp(join(more.within ?? tmpdir(), 'errand-own-'));
  const settings = { fsync: 'off', max_connections: '100', ...more.settings };
  let server: Postgres = await startPostgres({ directory, port: 0, settings, log: () => {} });
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
  await migrate(pool);
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
      server = await startPostgres({ directory, port, settings, log: () => {} });
    },
  };
}
