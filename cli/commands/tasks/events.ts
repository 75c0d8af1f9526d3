import type { Command } from 'commander';
import type { TaskEvent } from '../../../client/index.ts';
import type { RemoteOptions } from '../../connection.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

/** `errand events`: follows the states and the progress of a task. */
export function eventsCommand(): Command {
  const command = remoteCommand(
    'events',
    'Follow the states and the progress of a task until it has ended',
    'a line of JSON for each change',
  ).argument('<id>', 'the id of the task');
  return withExamples(command, [
    ['errand events 01a1fda3-8ecb-7e32-bbab-5d3baba36f01', 'see each change as it happens'],
  ]).action(withSession(run));
}

async function run(session: Session, id: string, _options: RemoteOptions): Promise<void> {
  const [{ eventText }, { toWire }] = await Promise.all([
    import('../../output/event.ts'),
    import('../../output/wire.ts'),
  ]);
  const print = (event: TaskEvent): void =>
    session.isJson ? session.jsonLine(toWire(event)) : session.print(eventText(event));
  // If the API does not answer or does not know the task, this says so at once.
  await session.client.get(id);
  for await (const event of session.persistent.events(id)) print(event);
}
