import { type Command, InvalidArgumentError } from 'commander';
import type { RemoteOptions } from '../../connection.ts';
import { integer } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';

type Options = RemoteOptions & { reason?: string };

/** More attempts at a time are no limit for any pool. The API has the same bound. */
const MAX_VALUE = 100_000;

/** `errand limits set`: replaces the declared value of a limit. */
export function setCommand(): Command {
  const command = changing('set', 'Set the value of a limit in place of the declared one, until it is reset')
    .argument('<limit>', 'the name of the limit')
    .argument('<value>', 'a number, of a limit with keys for each key; or none for no limit', numberOrNone);
  return withExamples(command, [
    ['errand limits set billing.printer 10 --reason "a second tray"', 'those that wait start at once'],
    ['errand limits set billing.printer none', 'no limit, until it is set or reset'],
  ]).action(
    withSession(async (session, name: string, limit: number | null, { reason }: Options) => {
      const { changeLimit } = await import('../../limits/operate.ts');
      await changeLimit(session, name, { limit, reason });
    }),
  );
}

function numberOrNone(text: string): number | null {
  if (text === 'none') return null;
  try {
    return integer(1, MAX_VALUE)(text);
  } catch {
    throw new InvalidArgumentError(
      `It must be an integer from 1 to ${MAX_VALUE}, or none. To let nothing start, pause the limit.`,
    );
  }
}

/** `errand limits pause`: nothing starts under a limit. */
export function pauseCommand(): Command {
  const command = changing('pause', 'Pause a limit: nothing starts under it until it is resumed');
  return withExamples(command.argument('<limit>', 'the name of the limit'), [
    ['errand limits pause billing.printer --reason "no paper"', 'what runs goes on, and nothing more starts'],
  ]).action(
    withSession(async (session, name: string, { reason }: Options) => {
      const { changeLimit } = await import('../../limits/operate.ts');
      await changeLimit(session, name, { paused: true, reason });
    }),
  );
}

/** `errand limits resume`: lets those that wait start again. */
export function resumeCommand(): Command {
  const command = changing('resume', 'Resume a paused limit: those that wait start at once');
  return withExamples(command.argument('<limit>', 'the name of the limit'), [
    ['errand limits resume billing.printer', 'go on'],
  ]).action(
    withSession(async (session, name: string, { reason }: Options) => {
      const { changeLimit } = await import('../../limits/operate.ts');
      await changeLimit(session, name, { paused: false, reason });
    }),
  );
}

/** `errand limits reset`: removes what operators have set. */
export function resetCommand(): Command {
  const command = changing(
    'reset',
    'Remove what operators have set for a limit: the declared value holds again',
  );
  return withExamples(command.argument('<limit>', 'the name of the limit'), [
    ['errand limits reset billing.printer', 'also ends a pause of it'],
  ]).action(
    withSession(async (session, name: string, { reason }: Options) => {
      const { resetLimit } = await import('../../limits/operate.ts');
      await resetLimit(session, name, reason);
    }),
  );
}

function changing(name: string, summary: string): Command {
  return remoteCommand(name, summary, 'the answer as one JSON document').option(
    '--reason <text>',
    'the reason, for the audit trail',
  );
}
