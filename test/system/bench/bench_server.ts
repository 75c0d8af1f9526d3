import { randomBytes } from 'node:crypto';
import { inject } from 'vitest';
import { type BenchServer, benchServer } from '../../../bench/server.ts';
import { openPool } from '../../../store/database/pool.ts';

/**
 * The Postgres of the test run as a server for benchmarks: that a file starts one, and migrates each
 * database on it, costs more than what most of them measure. Fresh databases are migrated unless
 * they are to be `empty`, as for another build, which may have other migrations.
 */
export async function benchServerOfTests(databases: 'migrated' | 'empty' = 'migrated'): Promise<BenchServer> {
  const url = inject('postgresUrl');
  const pool = openPool({
    ...{ connectionString: url, applicationName: 'test', size: 1 },
    ...{ statementTimeoutMs: 0, onError: () => {} },
  });
  const { rows } = await pool.query<{ pid: string }>(
    `select split_part(pg_read_file('postmaster.pid'), E'\n', 1) as pid`,
  );
  await pool.end();
  return benchServer({
    ...{ url, pid: Number(rows[0]?.pid), remove: async () => {} },
    // Other files make theirs on this server.
    prefix: `fresh_${randomBytes(6).toString('hex')}_`,
    template: databases === 'migrated' ? 'template' : 'template1',
  });
}
