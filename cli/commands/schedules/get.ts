import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';

/** `errand schedules get`: shows a schedule. */
export function getCommand(): Command {
  const command = remoteCommand(
    'get',
    'Show a schedule: its next ten times, its last runs, and what was skipped',
    'the schedule as one JSON document',
  ).argument('<schedule>', 'the id of the schedule');
  return withExamples(command, [
    ['errand schedules get billing.nightly', 'show everything about a schedule'],
    [
      'errand schedules get billing.nightly --json | jq .settings > nightly.json',
      'its settings, for `errand schedules set`; secrets are ***',
    ],
  ]).action(
    withSession(async (session, id: string, _options: RemoteOptions) => {
      const { schedulePath } = await import('../../schedules/operate.ts');
      const answer = await session.client.request('GET', schedulePath(id));
      if (session.isJson) return session.json(answer);
      const [{ recordSchema }, { printSchedule }] = await Promise.all([
        import('../../schedules/answers.ts'),
        import('../../output/schedule.ts'),
      ]);
      printSchedule(session, recordSchema.parse(answer));
    }),
  );
}
