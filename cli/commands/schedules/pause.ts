import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';

type Options = RemoteOptions & { reason?: string };

/** `errand schedules pause`: stops the times of a schedule. */
export function pauseCommand(): Command {
  return withExamples(changeCommand('pause', 'Pause a schedule: its times are skipped until it is resumed'), [
    ['errand schedules pause billing.nightly --reason "the bank is down"', 'no task until it is resumed'],
  ]);
}

/** `errand schedules resume`: lets it go on with the first time after now. */
export function resumeCommand(): Command {
  return withExamples(
    changeCommand('resume', 'Resume a paused schedule, with the first time after now; nothing is caught up'),
    [['errand schedules resume billing.nightly', 'go on']],
  );
}

function changeCommand(change: 'pause' | 'resume', summary: string): Command {
  return remoteCommand(change, summary, 'the answer as one JSON document')
    .argument('<schedule>', 'the id of the schedule')
    .option('--reason <text>', 'the reason, for the audit trail')
    .action(
      withSession(async (session, id: string, { reason }: Options) => {
        const { changeSchedule, schedulePath } = await import('../../schedules/operate.ts');
        await changeSchedule(session, 'PUT', schedulePath(id, change), { query: { reason } });
      }),
    );
}
