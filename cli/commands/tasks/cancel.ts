import type { Command } from 'commander';
import { operateCommand } from '../../operate/operate_command.ts';
import { withExamples } from '../../remote.ts';

/** `errand cancel`: cancels tasks. */
export function cancelCommand(): Command {
  return withExamples(operateCommand('cancel', 'Cancel tasks, by their ids or by filters'), [
    ['errand cancel 01a1fda3-8ecb-7e32-bbab-5d3baba36f01 --reason "wrong customer"', 'cancel one task'],
    ['errand cancel --tag import --state queued,scheduled --dry-run', 'count what would be cancelled'],
    ['errand cancel --tag import --yes', 'cancel without a question'],
  ]);
}
