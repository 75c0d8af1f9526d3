import { Command } from 'commander';
import { withExamples } from '../../remote.ts';
import { pauseCommand, resetCommand, resumeCommand, setCommand } from './change.ts';
import { listCommand } from './list.ts';
import { showCommand } from './show.ts';

/** `errand limits`: the commands about limits. */
export function limitsCommand(): Command {
  const command = new Command('limits')
    .description('Read, change and pause limits, which say how much runs at a time or starts in a period')
    .usage('<command> [options]')
    .helpCommand(false);
  for (const one of [
    ...[listCommand(), showCommand(), setCommand(), pauseCommand(), resumeCommand(), resetCommand()],
  ])
    command.addCommand(one);
  return withExamples(command, [
    ['errand limits list', 'what is limited, and what waits'],
    ['errand limits show billing.printer', 'who holds it, and who waits'],
    ['errand limits set billing.printer 10', 'another value, until it is reset'],
  ]);
}
