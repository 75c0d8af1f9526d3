import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';

type Options = RemoteOptions & { reason?: string; yes?: boolean };

/** `errand schedules delete`: removes a schedule. */
export function deleteCommand(): Command {
  const command = remoteCommand(
    'delete',
    'Delete a schedule; the tasks that it has submitted stay',
    'the answer as one JSON document',
  )
    .argument('<schedule>', 'the id of the schedule')
    .option('--reason <text>', 'the reason, for the audit trail')
    .option('-y, --yes', 'do not ask');
  return withExamples(command, [
    ['errand schedules delete billing.nightly', 'asks, then deletes it'],
    ['errand schedules delete billing.nightly --yes', 'without a question'],
  ]).action(
    withSession(async (session, id: string, { reason, yes }: Options) => {
      const [{ requireConsent }, { changeSchedule, schedulePath }] = await Promise.all([
        import('../../operate/consent.ts'),
        import('../../schedules/operate.ts'),
      ]);
      await requireConsent(session, `Delete the schedule ${id}?`, yes === true);
      await changeSchedule(session, 'DELETE', schedulePath(id), { query: { reason } });
    }),
  );
}
