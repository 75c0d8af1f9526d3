import { Command } from 'commander';

type Options = { types: boolean; database: boolean; json?: boolean };

/** `errand check`. Checks the project of the working folder before a deployment. */
export function checkCommand(): Command {
  return new Command('check')
    .summary('Check this project: tasks, types, what waits')
    .description(
      'Check this project before a deployment: whether it would start, its types, and whether the tasks that wait in the database fit its definitions. The exit code is 1 if something is wrong',
    )
    .option('--no-types', 'do not check the types')
    .option('--no-database', 'do not compare with the database')
    .option('--json', 'print one JSON document')
    .action(async ({ types, database, json = false }: Options) => {
      const { runCheck } = await import('../../check/main.ts');
      // Handlers may have opened something at load.
      process.exit(await runCheck({ types, database, json }));
    });
}
