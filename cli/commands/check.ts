import { Command } from 'commander';
import { exitWith } from '../project_command.ts';
import { withExamples } from '../remote.ts';

type Options = { types: boolean; database: boolean; json?: boolean };

/** `errand check`. Checks the project of the working folder before a deployment. */
export function checkCommand(): Command {
  const command = new Command('check')
    .summary('Check this project: tasks, types, what waits')
    .description(
      'Check this project before a deployment: whether it would start, its types, and whether the tasks that wait in the database fit its definitions. The exit code is 1 if something is wrong',
    )
    .option('--no-types', 'do not check the types')
    .option('--no-database', 'do not compare with the database')
    .option('--json', 'print one JSON document');
  return withExamples(command, [
    ['errand check', 'the project, its types, and the database'],
    ['errand check --no-database --json', 'for a program, without a database'],
  ]).action(async ({ types, database, json = false }: Options) => {
    const { runCheck } = await import('../../check/main.ts');
    // Handlers may have opened something at load.
    await exitWith(runCheck({ types, database, json }));
    process.exit();
  });
}
