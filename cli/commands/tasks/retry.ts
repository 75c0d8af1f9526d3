import type { Command } from 'commander';
import { operateCommand } from '../../operate/operate_command.ts';
import { withExamples } from '../../remote.ts';

/** `errand retry`: queues failed, cancelled or expired tasks again. */
export function retryCommand(): Command {
  const summary = 'Queue failed, cancelled or expired tasks again, by their ids or by filters';
  return withExamples(operateCommand('retry', summary), [
    ['errand retry 01a1fda3-8ecb-7e32-bbab-5d3baba36f01', 'retry one task'],
    ['errand retry --state failed --name billing.send_invoice --dry-run', 'count what would be retried'],
    ['errand retry --error-group "$GROUP" --per-second 50', 'retry a group of errors slowly'],
  ]);
}
