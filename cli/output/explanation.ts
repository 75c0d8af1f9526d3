import type { Explanation } from '../../client/index.ts';
import type { Session } from '../session.ts';
import { inCommands } from './in_commands.ts';
import { paint, paintWord } from './paint.ts';
import { toOneLine } from './plain.ts';
import { printFields } from './record.ts';
import { toCount, toMoment, toNumberOf } from './words.ts';

/** Prints an explanation for people. */
export function printExplanation(session: Session, explanation: Explanation): void {
  const { queue, runners, nextAttemptAt, lastError } = explanation;
  session.print(paint('bold', toOneLine(inCommands(explanation.summary))));
  const [, ...others] = explanation.reasons;
  for (const { message } of others) session.print(`- ${toOneLine(inCommands(message))}`);
  for (const step of explanation.nextSteps)
    session.print(`${paint('cyan', '→')} ${toOneLine(inCommands(step))}`);
  session.print('');
  const position = queue === null ? undefined : positionOf(queue);
  printFields(session, [
    ['Task', `${explanation.id}  ${toOneLine(explanation.name)} ${toOneLine(explanation.version)}`],
    [
      'State',
      `${paintWord(explanation.state)}, attempt ${explanation.attempt} of ${explanation.maxAttempts}`,
    ],
    ['Next attempt', nextAttemptAt === null ? undefined : toMoment(nextAttemptAt)],
    ['Position', position],
    [
      'Runners',
      `${toNumberOf(runners.live, 'live runner')}, ${runners.able} can execute it, ${runners.busy} of ${runners.slots} slots busy`,
    ],
    [
      'Last error',
      lastError === null ? undefined : toOneLine(`${lastError.errorType}: ${lastError.message}`),
    ],
  ]);
}

function positionOf({
  position,
  positionIsCapped,
  estimatedStartAt,
}: NonNullable<Explanation['queue']>): string {
  const start = estimatedStartAt === null ? '' : `, should start ${toMoment(estimatedStartAt)}`;
  return `${toCount(position)}${positionIsCapped ? ' or more' : ''}${start}`;
}
