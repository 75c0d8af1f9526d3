import { expect, test } from 'vitest';
import { call } from '../../../support/api.ts';
import { createDatabase } from '../../../support/database.ts';
import { startProcess } from '../../../support/processes.ts';
import { until } from '../../../support/until.ts';

test('a runner is ready only while Postgres can be written, and says so', async () => {
  const { url, pool } = await createDatabase();
  const runner = await startProcess('runner/main.ts', url);
  const ready = () => call(runner.url, 'GET', '/ready');
  const wellAgain = () => until('it is ready', async () => (await ready()).status === 200);
  await wellAgain();
  expect((await ready()).body.checks).toMatchObject(
    ['database', 'writing', 'pool', 'lifecycle'].map((name) => ({ name, status: 'ok' })),
  );

  /** For its sessions from now on, as after a failover to a standby. */
  const setReadOnly = async (how: string): Promise<void> => {
    await pool.query(`do $$ begin execute format('alter database %I ${how}', current_database()); end $$`);
    await pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'errand runner'`,
    );
  };
  await setReadOnly('set default_transaction_read_only = on');
  const { body } = await until('it is not ready', async () => {
    const answer = await ready();
    return answer.body.checks[1]?.message?.includes('this role may only read') && answer;
  });
  expect(body).toMatchObject({
    status: 'not_ready',
    checks: [{}, { name: 'writing', status: 'failed' }, {}, {}],
  });
  await setReadOnly('reset default_transaction_read_only');
  await wellAgain();
});
