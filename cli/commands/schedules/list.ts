import { type Command, Option } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { integer } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & {
  namespace?: string;
  task?: string;
  state?: string;
  origin?: string;
  limit: number;
  quiet?: boolean;
};

const DEFAULT_LIMIT = 100;

/** `errand schedules list`: lists schedules by id. */
export function listCommand(): Command {
  const command = remoteCommand(
    'list',
    'List schedules by their ids',
    'one JSON document with `schedules` and `has_more`',
  )
    .option('--namespace <namespace>', 'schedules of this namespace')
    .option('--task <task>', 'schedules of this task')
    .addOption(
      new Option('--state <state>', 'schedules in this state').choices([
        'active',
        'paused',
        'broken',
        'ended',
      ]),
    )
    .addOption(new Option('--origin <origin>', 'where they are defined').choices(['code', 'api']))
    .option('-n, --limit <number>', 'at most this many', integer(1, 100_000), DEFAULT_LIMIT)
    .option('-q, --quiet', 'print only the ids, one per line');
  return withExamples(command, [
    ['errand schedules list --namespace billing', 'what billing runs, and when'],
    ['errand schedules list --state broken', 'what submits nothing until somebody mends it'],
  ]).action(withSession(run));
}

async function run(session: Session, options: Options): Promise<void> {
  const { namespace, task, state, origin, limit } = options;
  const [{ listSchema }, { readPages }] = await Promise.all([
    import('../../schedules/answers.ts'),
    import('../../read_pages.ts'),
  ]);
  const { rows, hasMore } = await readPages(limit, async (page) => {
    const query = { namespace, task, state, origin, ...page };
    const answer = await session.client.request('GET', '/v1/schedules', { query });
    const { schedules, next_cursor } = listSchema.parse(answer);
    return { rows: schedules, next: next_cursor };
  });
  if (session.isJson) return session.json({ schedules: rows, has_more: hasMore });
  if (options.quiet === true) {
    for (const { id } of rows) session.print(id);
    return;
  }
  if (rows.length === 0) return session.note('No schedule matches.');
  const { SCHEDULES } = await import('../../output/schedule_tables.ts');
  session.table(SCHEDULES, rows);
  if (hasMore) session.note(`The first ${rows.length}. See --limit.`);
}
