import { Command } from 'commander';
import { withExamples } from '../remote.ts';

/** `errand migrate`. Migrates the database. The configuration is in the environment and in `.env`. */
export function migrateCommand(): Command {
  const command = new Command('migrate')
    .summary('Bring the database to the schema of this version')
    .description(
      'Bring the database to the schema of this version. Environment variables and .env configure it',
    );
  return withExamples(command, [['errand migrate', 'before a new version starts']]).action(async () => {
    await import('../../process/migrate.ts');
  });
}
