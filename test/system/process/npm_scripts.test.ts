import { expect, onTestFinished, test } from 'vitest';
import { portsFor } from '../../support/checkout/checkout.ts';
import { ROOT } from '../../support/checkout/documents.ts';
import { type } from '../../support/checkout/newcomer.ts';
import { createDatabase } from '../../support/database.ts';
import { until } from '../../support/until.ts';

const { url, pool } = await createDatabase();

// The shell of npm gives way to the process: otherwise only the shell would end, and the process would live on.
test.each(['api', 'runner'])('SIGTERM to npm run %s drains the process', async (script) => {
  const environment = { DATABASE_URL: url, ...(await portsFor()) };
  const typed = type(`npm run ${script}`, ROOT, environment);
  onTestFinished(() => typed.kill());
  const application = `errand ${script}`;
  const connected = async (): Promise<boolean> => {
    const { rowCount } = await pool.query(
      'select from pg_stat_activity where datname = current_database() and application_name = $1',
      [application],
    );
    return (rowCount ?? 0) > 0;
  };
  await until('it is ready', () => typed.hasEnded() || typed.output().includes(`${script} is ready`));
  expect(await connected()).toBe(true);
  process.kill(typed.pid, 'SIGTERM');
  await typed.exited;
  await until('the process has drained', () => typed.output().includes(`${script}: stopped`));
  await until('its connections are closed', async () => !(await connected()));
});
