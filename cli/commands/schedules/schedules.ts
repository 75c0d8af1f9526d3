import { Command } from 'commander';
import { withExamples } from '../../remote.ts';
import { backfillCommand } from './backfill.ts';
import { deleteCommand } from './delete.ts';
import { explainCommand } from './explain.ts';
import { getCommand } from './get.ts';
import { listCommand } from './list.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { previewCommand } from './preview.ts';
import { runsCommand } from './runs.ts';
import { setCommand } from './set.ts';
import { triggerCommand } from './trigger.ts';

/** `errand schedules`: the commands about schedules. */
export function schedulesCommand(): Command {
  const command = new Command('schedules')
    .description('Make, read and operate schedules, which submit tasks at their times')
    .usage('<command> [options]')
    .helpCommand(false);
  for (const one of [
    ...[listCommand(), getCommand(), explainCommand(), runsCommand(), previewCommand()],
    ...[setCommand(), pauseCommand(), resumeCommand(), triggerCommand(), backfillCommand()],
    deleteCommand(),
  ])
    command.addCommand(one);
  return withExamples(command, [
    ['errand schedules list', 'what runs when'],
    ['errand schedules explain billing.nightly --at 2026-11-30T02:30', 'why it did not run last night'],
  ]);
}
