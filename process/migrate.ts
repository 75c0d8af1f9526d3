import { migrate } from '../store/migrate.ts';
import { connectDatabase } from './database.ts';
import { prepare } from './prepare.ts';
import { runMain, startStep } from './start.ts';

// `npm run migrate`: brings the database to the newest schema and ends.
await runMain(async () => {
  // Whoever waits for it must not take a schema for new that is not.
  const { config, log } = await prepare('migrate', 1);
  const pool = await startStep(log, 'database', () =>
    connectDatabase(config, log, { applicationName: 'errand migrate', size: 2, statementTimeoutMs: 0 }),
  );
  const files = await startStep(log, 'migrations', () => migrate(pool));
  log.info({ files }, files.length === 0 ? 'the schema is up to date' : 'migrations applied');
  await pool.end();
});
