import type { Command } from 'commander';
import type { TaskSummary } from '../../../client/index.ts';
import type { RemoteOptions } from '../../connection.ts';
import { addFilters, type FilterOptions, toFilter } from '../../filters.ts';
import { integer } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & FilterOptions & { limit: number; all?: boolean; quiet?: boolean };

const DEFAULT_LIMIT = 50;

/** `errand list`: lists tasks, newest first. */
export function listCommand(): Command {
  const command = addFilters(
    remoteCommand(
      'list',
      'List tasks, newest first',
      'one JSON document with `tasks` and `has_more`; with --all a line of JSON for each task',
    ),
  )
    .option('-n, --limit <number>', 'at most this many', integer(1), DEFAULT_LIMIT)
    .option('--all', 'all that match, however many there are')
    .option('-q, --quiet', 'print only the ids, one per line');
  return withExamples(command, [
    ['errand list --state failed --created-from 24h', 'what failed among the tasks of the last day'],
    ['errand list --name billing.send_invoice --state queued,running', 'what is open of one name'],
    ['errand list --all --json --tag import | jq -r .id', 'the ids of all tasks with a tag'],
  ]).action(withSession(run));
}

async function run(session: Session, options: Options): Promise<void> {
  const { limit, all, quiet } = options;
  const { parent, ...filter } = options;
  const tasks = session.client.list({
    ...filter,
    parentId: parent,
    pageSize: Math.min(100, all === true ? 100 : limit + 1),
  });
  const { toWire } = await import('../../output/wire.ts');
  if (all === true) return await printAll(session, tasks, quiet === true, toWire);
  const found: TaskSummary[] = [];
  let hasMore = false;
  for await (const task of tasks) {
    hasMore = found.length === limit;
    if (hasMore) break;
    found.push(task);
  }
  if (session.isJson) return session.json({ tasks: toWire(found), has_more: hasMore });
  if (quiet === true) {
    for (const { id } of found) session.print(id);
    return;
  }
  if (found.length === 0) return session.note('No task matches.');
  const { TASKS } = await import('../../output/task_table.ts');
  session.table(TASKS, found);
  if (hasMore) session.note(`${found.length} of ${await totalOf(session, options)}. See --limit and --all.`);
}

/** Prints tasks as they come. For people in tables of one page each, with the same columns. */
async function printAll(
  session: Session,
  tasks: AsyncIterable<TaskSummary>,
  quiet: boolean,
  toWire: (value: unknown) => unknown,
): Promise<void> {
  const { TASKS } = await import('../../output/task_table.ts');
  let page: TaskSummary[] = [];
  let printed = 0;
  for await (const task of tasks) {
    printed++;
    if (session.isJson) session.jsonLine(toWire(task));
    else if (quiet) session.print(task.id);
    else if (page.push(task) === 100) session.table(TASKS, page.splice(0));
  }
  if (page.length > 0) session.table(TASKS, page);
  page = [];
  if (printed === 0 && !session.isJson) session.note('No task matches.');
}

async function totalOf({ client }: Session, options: FilterOptions): Promise<string> {
  const { totalSchema } = await import('../../answers.ts');
  const { toCount } = await import('../../output/words.ts');
  const query = { ...toFilter(options), page_size: 1 };
  const { total, total_is_estimate } = totalSchema.parse(await client.request('GET', '/v1/tasks', { query }));
  return `${total_is_estimate ? 'about ' : ''}${toCount(total)}`;
}
