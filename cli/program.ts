import { Command, Help, type Option } from 'commander';
import { apiCommand } from './commands/api.ts';
import { checkCommand } from './commands/check.ts';
import { completeCommand, completionCommand } from './commands/completion.ts';
import { devCommand } from './commands/dev.ts';
import { doctorCommand } from './commands/doctor.ts';
import { initCommand } from './commands/init.ts';
import { limitsCommand } from './commands/limits/limits.ts';
import { migrateCommand } from './commands/migrate.ts';
import { openapiCommand } from './commands/openapi.ts';
import { auditCommand } from './commands/pool/audit.ts';
import { errorsCommand } from './commands/pool/errors.ts';
import { pauseCommand } from './commands/pool/pause.ts';
import { resumeCommand } from './commands/pool/resume.ts';
import { runnersCommand } from './commands/pool/runners.ts';
import { statsCommand } from './commands/pool/stats.ts';
import { topCommand } from './commands/pool/top.ts';
import { runnerCommand } from './commands/runner.ts';
import { schedulesCommand } from './commands/schedules/schedules.ts';
import { startCommand } from './commands/start.ts';
import { cancelCommand } from './commands/tasks/cancel.ts';
import { dismissCommand } from './commands/tasks/dismiss.ts';
import { eventsCommand } from './commands/tasks/events.ts';
import { explainCommand } from './commands/tasks/explain.ts';
import { getCommand } from './commands/tasks/get.ts';
import { listCommand } from './commands/tasks/list.ts';
import { logsCommand } from './commands/tasks/logs.ts';
import { resubmitCommand } from './commands/tasks/resubmit.ts';
import { retryCommand } from './commands/tasks/retry.ts';
import { submitCommand } from './commands/tasks/submit.ts';
import { tokenCommand } from './commands/token.ts';
import { EXIT_CODES } from './exit_codes.ts';
import { CONNECTION } from './remote.ts';

/** The commands, in the groups of `errand --help`. */
const GROUPS: readonly (readonly [heading: string, commands: () => Command[]])[] = [
  ['Your project:', () => [initCommand(), devCommand(), checkCommand()]],
  ['Processes:', () => [startCommand(), apiCommand(), runnerCommand(), migrateCommand()]],
  [
    'Tasks:',
    () => [
      ...[submitCommand(), getCommand(), listCommand(), logsCommand(), eventsCommand()],
      ...[explainCommand(), cancelCommand(), retryCommand(), dismissCommand(), resubmitCommand()],
    ],
  ],
  ['Schedules:', () => [schedulesCommand()]],
  [
    'Operating:',
    () => [
      ...[topCommand(), statsCommand(), errorsCommand(), runnersCommand(), pauseCommand()],
      ...[resumeCommand(), limitsCommand(), auditCommand()],
    ],
  ],
  ['Setting up:', () => [doctorCommand(), tokenCommand(), openapiCommand(), completionCommand()]],
];

/**
 * Makes the program. It writes nothing and ends nothing by itself: wrong usage is thrown as CommanderError after
 * its message. `version` is shown by `--version`.
 */
export function makeProgram(version: string): Command {
  const program = new Command('errand')
    .description('A typed task queue on Postgres')
    .usage('<command> [options]')
    .version(version, '-V, --version', 'show the version')
    .exitOverride()
    .helpOption('-h, --help', 'show this help')
    .addHelpCommand(
      new Command('help')
        .argument('[command]')
        .description('Show the help of a command')
        .helpGroup('Setting up:'),
    )
    .configureHelp({ subcommandTerm: termOf, groupItems: groupsOf })
    .showHelpAfterError('See errand --help')
    .addHelpText('after', afterHelp());
  for (const [heading, commands] of GROUPS)
    for (const command of commands()) program.addCommand(inherit(command, program).helpGroup(heading));
  program.addCommand(
    inherit(
      completeCommand(() => program),
      program,
    ),
    { hidden: true },
  );
  return program;
}

/** Gives a command, and those below it, the settings of the program. `above` are the words before its name. */
function inherit(command: Command, program: Command, above = 'errand'): Command {
  const words = `${above} ${command.name()}`;
  for (const one of command.commands) inherit(one, program, words);
  return command.copyInheritedSettings(program).showHelpAfterError(`See ${words} --help`);
}

/** The name and the arguments of a command, without `[options]`. */
function termOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(' ');
}

/** The groups of a help: what every command has comes last. */
function groupsOf<T extends Command | Option>(
  this: Help,
  all: T[],
  visible: T[],
  groupOf: (item: T) => string,
): Map<string, T[]> {
  const groups = Help.prototype.groupItems.call(this, all, visible, groupOf as never) as Map<string, T[]>;
  const last = groups.get(CONNECTION);
  groups.delete(CONNECTION);
  if (last !== undefined) groups.set(CONNECTION, last);
  return groups;
}

function afterHelp(): string {
  const codes = EXIT_CODES.map(([code, meaning]) => `  ${String(code).padEnd(4)} ${meaning}`);
  return `
errand <command> --help shows the options and examples of a command.

Environment:
  ERRAND_URL                    the API (default: http://localhost:8080)
  ERRAND_TOKEN, ERRAND_API_KEY  the credentials; .env of the working folder is read too
  NO_COLOR, FORCE_COLOR         no colours; colours although it is no terminal

Exit codes:
${codes.join('\n')}`;
}
