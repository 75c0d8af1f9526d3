import { Command } from 'commander';
import type { DryRun } from '../../doctor/dry_run.ts';

type Options = { dryRun?: true; sql?: true; json?: true };

const HELP = `
Exit codes: 0 if the schema is up to date now, or the dry run has shown what is to be done; 1 if it is refused.

Examples:
  errand migrate                       brings the database to the newest schema
  errand migrate --dry-run             what that would do, and what it would lock
  errand migrate --dry-run --sql       the same with all statements`;

/** `errand migrate`: the same as `npm run migrate`; with `--dry-run` it only says what it would do. */
export function migrateCommand(): Command {
  return new Command('migrate')
    .description('bring the database to the newest schema')
    .option('--dry-run', 'only say what would be done, and change nothing')
    .option('--sql', 'with --dry-run: print the SQL of each step')
    .option('--json', 'with --dry-run: print it as JSON')
    .addHelpText('after', HELP)
    .action(async (options: Options, command: Command) => {
      if (options.dryRun === true) return showDryRun(options);
      if (options.sql === true || options.json === true)
        command.error('error: --sql and --json are for a dry run: add --dry-run');
      // It runs when it is loaded, as with `npm run migrate`.
      await import('../../process/migrate.ts');
    });
}

async function showDryRun(options: Options): Promise<void> {
  const { dryRun } = await import('../../doctor/dry_run.ts');
  try {
    const found = await dryRun();
    process.stdout.write(
      options.json === true ? `${JSON.stringify(found, null, 2)}\n` : written(found, options),
    );
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}

/** The steps by transaction, each with what it does to tables that are in use. */
function written({ steps, unknown, isOptional }: DryRun, { sql: withSql }: Options): string {
  const lines = steps.flatMap(({ name, transaction, effects, sql }, index) => [
    ...(steps[index - 1]?.transaction === transaction ? [] : [`transaction ${transaction}`]),
    `  ${name}`,
    ...effects.map(({ table, effect }) => `    ${table}: ${effect}`),
    ...(withSql === true ? [`\n${sql.trim()}\n`] : []),
  ]);
  const newer =
    unknown.length === 0
      ? []
      : [`The schema is newer than this version, which does not know: ${unknown.join(', ')}`];
  if (steps.length === 0)
    return [...newer, 'The schema is up to date: there is nothing to apply\n'].join('\n');
  const count = `${steps.length} step${steps.length === 1 ? '' : 's'} would be applied. Nothing was changed`;
  const optional = isOptional
    ? ['The database works without them, too: they are better for this server']
    : [];
  return [...newer, ...lines, ...optional, count, ''].join('\n');
}
