import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';

/** `errand resume`: starts tasks of a paused queue again. */
export function resumeCommand(): Command {
  const command = remoteCommand(
    'resume',
    'Start tasks of a namespace or a name again',
    'the answer as one JSON document',
  )
    .argument('<queue>', 'a namespace, or the name of a task')
    .option('--reason <text>', 'the reason, for the audit trail');
  return withExamples(command, [
    ['errand resume billing', 'start the tasks that became due meanwhile, and all others'],
  ]).action(
    withSession(async (session, queue: string, { reason }: RemoteOptions & { reason?: string }) => {
      const { changeQueue } = await import('../../operate/change_queue.ts');
      await changeQueue(session, queue, 'resume', reason);
    }),
  );
}
