import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { at?: string };

/** `errand schedules explain`: says why a schedule ran or did not run. */
export function explainCommand(): Command {
  const command = remoteCommand(
    'explain',
    'Say why a schedule ran or did not run at a time, or what its state is now',
    'the explanation as one JSON document',
  )
    .argument('<schedule>', 'the id of the schedule')
    .option('--at <time>', 'a time: 2026-03-29T02:30 in the zone of the schedule, or with an offset');
  return withExamples(command, [
    ['errand schedules explain billing.nightly --at 2026-03-29T02:30', 'why it did not run at 02:30'],
    ['errand schedules explain billing.nightly', 'what it waits for now'],
  ]).action(withSession(run));
}

async function run(session: Session, id: string, { at }: Options): Promise<void> {
  const { schedulePath } = await import('../../schedules/operate.ts');
  const answer = await session.client.request('GET', schedulePath(id, 'explain'), { query: { at } });
  if (session.isJson) return session.json(answer);
  const [{ explanationSchema }, { printScheduleExplanation }] = await Promise.all([
    import('../../schedules/answers.ts'),
    import('../../output/schedule.ts'),
  ]);
  printScheduleExplanation(session, explanationSchema.parse(answer));
}
