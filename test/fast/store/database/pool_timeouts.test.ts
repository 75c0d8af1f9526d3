import { expect, onTestFinished, test } from 'vitest';
import { openPool } from '../../../../store/database/pool.ts';
import { createDatabase } from '../../../support/database.ts';
import { until } from '../../../support/until.ts';

// The timeouts of a pool can be configured.

const { url } = await createDatabase();

function open(timeouts: { connectTimeoutMs?: number; idleTimeoutMs?: number }) {
  const pool = openPool({
    ...{ connectionString: url, applicationName: 'timeouts', size: 1, statementTimeoutMs: 0, ...timeouts },
    onError: () => {},
  });
  onTestFinished(() => pool.end());
  return pool;
}

test('a caller of a full pool waits only for the configured time', async () => {
  const pool = open({ connectTimeoutMs: 2_000 });
  const client = await pool.connect();
  await expect(pool.query('select')).rejects.toThrow('timeout');
  client.release();
  await pool.query('select');
});

test('a connection that nothing uses is closed after the configured time', async () => {
  const pool = open({ idleTimeoutMs: 50 });
  await pool.query('select');
  await until('the connection is closed', () => pool.totalCount === 0);
});
