import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import { addTimingOptions, type TimingFlags, toTiming } from '../../schedules/settings_options.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & TimingFlags;

/** `errand schedules preview`: shows the times of a timing. */
export function previewCommand(): Command {
  const command = remoteCommand(
    'preview',
    'Say in words what a timing means, and its next ten times; nothing is stored',
    'the answer as one JSON document',
  );
  return withExamples(addTimingOptions(command), [
    [
      `errand schedules preview --cron '30 2 * * *' --timezone Europe/Berlin`,
      'also over the change of clocks',
    ],
    [`errand schedules preview --cron '0 9 1 * +MON'`, 'the first of a month, if it is a Monday'],
  ]).action(withSession(run));
}

async function run(session: Session, options: Options): Promise<void> {
  const answer = await session.client.request('POST', '/v1/schedules/preview', {
    body: toTiming(options),
    repeatable: true,
  });
  if (session.isJson) return session.json(answer);
  const [{ previewSchema }, { printTimes }, { toOneLine }] = await Promise.all([
    import('../../schedules/answers.ts'),
    import('../../output/schedule.ts'),
    import('../../output/plain.ts'),
  ]);
  const { in_words, next_times } = previewSchema.parse(answer);
  session.print(toOneLine(in_words));
  printTimes(session, next_times);
}
