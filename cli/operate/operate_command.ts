import type { Command } from 'commander';
import { UsageError } from '../exit_codes.ts';
import { addFilters, toFilter } from '../filters.ts';
import { integer } from '../options.ts';
import { remoteCommand, withSession } from '../remote.ts';
import type { Session } from '../session.ts';
import type { Action, OperateOptions } from './operate_options.ts';

/** A command that changes single tasks, or all that match a filter. */
export function operateCommand(action: Action, summary: string): Command {
  const command = addFilters(
    remoteCommand(
      action,
      summary,
      'one JSON document: with ids the `tasks`, with a filter the answer of the API and the bulk task at its end',
    ).argument('[ids...]', 'the ids of the tasks; or give filters'),
  )
    .option('--all', `${action} every task: it replaces the filters`)
    .option('--dry-run', 'with filters: only count the tasks')
    .option('--limit <number>', 'with filters: at most this many, oldest first', integer(1, 10_000_000))
    .option('--per-second <number>', 'with filters: at most this many per second', integer(1, 10_000));
  if (action === 'retry')
    command.option(
      '--canary <number>',
      'with filters: retry this many first; 0 for all at once',
      integer(0, 100),
    );
  return command
    .option('--reason <text>', 'the reason, for the audit trail')
    .option('-y, --yes', 'do not ask')
    .option('--no-follow', 'do not wait for the end of a large operation')
    .action(
      withSession((session, ids: string[], options: OperateOptions) =>
        operate(session, action, ids, options),
      ),
    );
}

async function operate(
  session: Session,
  action: Action,
  ids: string[],
  options: OperateOptions,
): Promise<number> {
  const filter = toFilter(options);
  const hasFilter = Object.keys(filter).length > 0 || options.all === true;
  if (ids.length > 0) {
    if (hasFilter) throw new UsageError('Give ids or filters, not both');
    const bulkOnly = (['dryRun', 'limit', 'perSecond', 'canary'] as const).find(
      (name) => options[name] !== undefined,
    );
    if (bulkOnly !== undefined)
      throw new UsageError(`--${toFlag(bulkOnly)} needs filters: it does not apply to ids`);
    const { operateEach } = await import('./operate_each.ts');
    const { reason } = options;
    return await operateEach(session, ids, (id) => session.client[action](id, { reason }));
  }
  if (!hasFilter)
    throw new UsageError(
      `Give the ids of the tasks to ${action}, or filters such as --name, or --all for every task`,
    );
  if (options.all === true && Object.keys(filter).length > 0)
    throw new UsageError('--all stands for every task: leave out the filters');
  const { operateBulk } = await import('./operate_bulk.ts');
  return await operateBulk(session, action, filter, options);
}

function toFlag(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
