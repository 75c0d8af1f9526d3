import { connectDatabase, migrateDatabase } from './database.ts';
import { prepare } from './prepare.ts';
import { runMain, startStep } from './start.ts';

// `npm run migrate`: brings the database to the newest schema and ends.
await runMain(async () => {
  // If a signal ends it early, the exit code is 1, so that callers do not take the schema for migrated.
  const { config, log } = await prepare('migrate', 1);
  const pool = await startStep(log, 'database', () =>
    connectDatabase(config, log, { applicationName: 'errand migrate', size: 2, statementTimeoutMs: 0 }),
  );
  const { applied, unknown } = await startStep(log, 'migrations', () => migrateDatabase(config, log, pool));
  if (applied.length > 0) log.info({ files: applied }, 'migrations applied');
  else
    log.info(
      unknown.length === 0
        ? 'the schema is up to date'
        : 'the schema is newer than this version: nothing to apply',
    );
  await pool.end();
});
