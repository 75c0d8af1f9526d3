import { type Command, Option } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { integer, pastTime } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & {
  outcome?: string;
  reason?: string;
  from?: string;
  to?: string;
  limit: number;
};

const DEFAULT_LIMIT = 50;

/** `errand schedules runs`: lists the outcome of the times of a schedule. */
export function runsCommand(): Command {
  const command = remoteCommand(
    'runs',
    'List the outcome of the times of a schedule, newest first',
    'one JSON document with `runs` and `has_more`',
  )
    .argument('<schedule>', 'the id of the schedule')
    .addOption(new Option('--outcome <outcome>', 'only these').choices(['submitted', 'skipped']))
    .addOption(
      new Option('--reason <reason>', 'only times that were skipped for this reason').choices([
        'overlap',
        'missed',
        'paused',
        'broken',
        'replaced',
      ]),
    )
    .option('--from <time>', 'at or after this time: 2d (ago), 2026-11-30T14:00', pastTime)
    .option('--to <time>', 'before this time', pastTime)
    .option('-n, --limit <number>', 'at most this many', integer(1, 100_000), DEFAULT_LIMIT);
  return withExamples(command, [
    ['errand schedules runs billing.nightly --outcome skipped --from 7d', 'what was left out this week'],
  ]).action(withSession(run));
}

async function run(session: Session, id: string, options: Options): Promise<void> {
  const { outcome, reason, from, to, limit } = options;
  const [{ runsSchema }, { readPages }, { schedulePath }] = await Promise.all([
    import('../../schedules/answers.ts'),
    import('../../read_pages.ts'),
    import('../../schedules/operate.ts'),
  ]);
  const { rows, hasMore } = await readPages(limit, async (page) => {
    const query = { outcome, reason, from, to, ...page };
    const answer = await session.client.request('GET', schedulePath(id, 'runs'), { query });
    const { runs, next_cursor } = runsSchema.parse(answer);
    return { rows: runs, next: next_cursor };
  });
  if (session.isJson) return session.json({ runs: rows, has_more: hasMore });
  if (rows.length === 0) return session.note('Nothing is recorded.');
  const { RUNS } = await import('../../output/schedule_tables.ts');
  session.table(RUNS, rows);
  if (hasMore) session.note(`The newest ${rows.length}. See --limit.`);
}
