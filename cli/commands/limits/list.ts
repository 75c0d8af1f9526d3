import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { integer } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & {
  namespace?: string;
  paused?: boolean;
  waiting?: boolean;
  limit: number;
  quiet?: boolean;
};

const DEFAULT_LIMIT = 100;

/** `errand limits list`: lists limits by name. */
export function listCommand(): Command {
  const command = remoteCommand(
    'list',
    'List limits by their names: their values, and how many tasks hold them and wait for them',
    'one JSON document with `limits` and `has_more`',
  )
    .option('--namespace <namespace>', 'limits of this namespace, and those that its definitions share')
    .option('--paused', 'only limits that are paused')
    .option('--waiting', 'only limits that tasks wait for')
    .option('-n, --limit <number>', 'at most this many', integer(1, 100_000), DEFAULT_LIMIT)
    .option('-q, --quiet', 'print only the names, one per line');
  return withExamples(command, [
    ['errand limits list --waiting', 'what holds tasks back now'],
    ['errand limits list --paused', 'what is paused, by whom and why'],
  ]).action(withSession(run));
}

async function run(session: Session, options: Options): Promise<void> {
  const { namespace, paused, waiting, limit } = options;
  const [{ listSchema }, { readPages }] = await Promise.all([
    import('../../limits/answers.ts'),
    import('../../read_pages.ts'),
  ]);
  const { rows, hasMore } = await readPages(limit, async (page) => {
    const query = { namespace, paused, waiting, ...page };
    const answer = await session.client.request('GET', '/v1/limits', { query });
    const { limits, next_cursor } = listSchema.parse(answer);
    return { rows: limits, next: next_cursor };
  });
  if (session.isJson) return session.json({ limits: rows, has_more: hasMore });
  if (options.quiet === true) {
    for (const { name } of rows) session.print(name);
    return;
  }
  if (rows.length === 0) return session.note('No limit matches.');
  const { LIMITS } = await import('../../output/limit.ts');
  session.table(LIMITS, rows);
  if (hasMore) session.note(`The first ${rows.length}. See --limit.`);
}
