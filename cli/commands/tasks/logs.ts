import type { Command } from 'commander';
import type { LogLine } from '../../../client/index.ts';
import type { RemoteOptions } from '../../connection.ts';
import { UsageError } from '../../exit_codes.ts';
import { integer } from '../../options.ts';
import { remoteCommand, withExamples, withSession } from '../../remote.ts';
import type { Session } from '../../session.ts';

type Options = RemoteOptions & { follow?: boolean; after?: number; level?: string; exitCode?: boolean };

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** `errand logs`: prints the log lines of a task. */
export function logsCommand(): Command {
  const command = remoteCommand('logs', 'Print the log lines of a task', 'a line of JSON for each line')
    .argument('<id>', 'the id of the task')
    .option('-f, --follow', 'print new lines until the task has ended')
    .option('--after <seq>', 'only lines after this number', integer(0))
    .option('--level <level>', `only lines of this level and above: ${LEVELS.join(', ')}`)
    .option('--exit-code', 'exit with 0 only if the task succeeded; implies --follow');
  return withExamples(command, [
    ['errand logs -f 01a1fda3-8ecb-7e32-bbab-5d3baba36f01', 'follow a running task'],
    ['errand logs --exit-code "$ID" > build.log', 'wait in a script, and end as the task ends'],
    ['errand logs "$ID" --level warn --json', 'warnings and errors, for a program'],
  ]).action(withSession(run));
}

async function run(session: Session, id: string, options: Options): Promise<number> {
  const follow = options.follow === true || options.exitCode === true;
  const least = levelOf(options.level);
  const [{ logLineText }, { toWire }] = await Promise.all([
    import('../../output/log_line.ts'),
    import('../../output/wire.ts'),
  ]);
  // If the API does not answer or does not know the task, this says so at once.
  if (follow) await session.client.get(id);
  let last: LogLine | undefined;
  for await (const line of (follow ? session.persistent : session.client).logs(id, {
    follow,
    after: options.after,
  })) {
    // A level of another logger is shown: it may matter.
    const level = LEVELS.indexOf(line.level);
    if (level !== -1 && level < least) continue;
    if (session.isJson) session.jsonLine(toWire(line));
    else session.print(logLineText(line, last));
    last = line;
  }
  if (session.isJson && options.exitCode !== true) return 0;
  const task = await session.client.get(id);
  const { hasSucceeded } = await import('../../follow.ts');
  if (!session.isJson) {
    const [{ toOneLine }, { paintWord }] = await Promise.all([
      import('../../output/plain.ts'),
      import('../../output/paint.ts'),
    ]);
    const why = task.error === null || hasSucceeded(task) ? '' : `: ${toOneLine(task.error.message)}`;
    if (last === undefined) session.note('No lines.');
    if (follow || last === undefined) session.note(`The task is ${paintWord(task.state)}${why}`);
  }
  return options.exitCode === true && !hasSucceeded(task) ? 1 : 0;
}

function levelOf(level: string | undefined): number {
  if (level === undefined) return 0;
  const index = LEVELS.indexOf(level);
  if (index === -1)
    throw new UsageError(`--level must be one of ${LEVELS.join(', ')}, got ${JSON.stringify(level)}`);
  return index;
}
