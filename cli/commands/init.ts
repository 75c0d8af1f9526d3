import { Command } from 'commander';
import { exitWith } from '../project_command.ts';
import { withExamples } from '../remote.ts';

type Options = { yes?: boolean; dryRun?: boolean; install?: boolean; task?: string };

/** `errand init`. Makes a project in the working folder, or adds Errand to one. */
export function initCommand(): Command {
  const command = new Command('init')
    .summary('Make a project here, with a first task')
    .description(
      'Make a project in this folder, or add Errand to the one that is here: errand.config.ts, a first task with its test, scripts, a Dockerfile. Files that exist are kept',
    )
    .option('-y, --yes', 'ask nothing')
    .option('--task <name>', 'the name of the first task (default: greeting.send)')
    .option('--dry-run', 'only show what would be written')
    .option('--install', 'install the packages without asking (default with --yes)')
    .option('--no-install', 'do not install the packages');
  return withExamples(command, [
    ['errand init', 'ask for the name of the first task'],
    ['errand init --yes --task billing.send_invoice', 'ask nothing'],
  ]).action(async ({ yes = false, dryRun = false, install, task }: Options, command: Command) => {
    const { nameProblem, runInit } = await import('../../init/main.ts');
    const problem = task === undefined ? undefined : nameProblem(task);
    if (problem !== undefined) command.error(`error: --task ${problem}`, { exitCode: 2 });
    await exitWith(runInit({ yes, dryRun, install, task }));
  });
}
