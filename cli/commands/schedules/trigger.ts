import type { Command } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { reason?: string; idempotencyKey?: string; quiet?: boolean };

/** `errand schedules trigger`: submits the task of a schedule now. */
export function triggerCommand(): Command {
  const command = remoteCommand(
    'trigger',
    'Submit the task of a schedule now; its times stay as they are',
    'the task as one JSON document',
  )
    .argument('<schedule>', 'the id of the schedule')
    .option('--reason <text>', 'the reason, for the audit trail')
    .option('--idempotency-key <key>', 'makes it safe to repeat the command: it submits once')
    .option('-q, --quiet', 'print only the id of the task');
  return withExamples(command, [
    ['errand schedules trigger billing.nightly --reason "the report was wrong"', 'run it once more'],
  ]).action(withSession(run));
}

async function run(session: Session, id: string, options: Options): Promise<void> {
  const [{ schedulePath }, { triggerSchema }] = await Promise.all([
    import('../../schedules/operate.ts'),
    import('../../schedules/answers.ts'),
  ]);
  const { reason, idempotencyKey } = options;
  const answer = await session.client.request('POST', schedulePath(id, 'trigger'), {
    body: { reason },
    headers: { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() },
    repeatable: true,
  });
  if (session.isJson) return session.json(answer);
  const { toOneLine } = await import('../../output/plain.ts');
  const { task, message } = triggerSchema.parse(answer);
  session.print(task.id);
  if (options.quiet !== true) session.note(toOneLine(message));
}
