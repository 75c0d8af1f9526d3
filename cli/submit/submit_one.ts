import { ErrandError, type SubmittedTask, type TaskRecord } from '../../client/index.ts';
import { EXIT } from '../exit_codes.ts';
import { followTask, hasSucceeded } from '../follow.ts';
import { readPayload } from '../input.ts';
import { paint, paintWord } from '../output/paint.ts';
import { toInertJson, toOneLine } from '../output/plain.ts';
import { toWire } from '../output/wire.ts';
import { toDuration } from '../output/words.ts';
import type { Session } from '../session.ts';
import { type SubmitFlags, toSubmitOptions } from './submit_options.ts';

/** Submits one task; with `--wait`, waits for its end. Gives the exit code. */
export async function submitOne(
  session: Session,
  name: string,
  given: string,
  flags: SubmitFlags,
): Promise<number> {
  const payload = await readPayload(given);
  const task = await session.client.submit(name, payload as never, toSubmitOptions(flags));
  if (flags.wait === undefined) {
    printSubmitted(session, task, flags);
    return EXIT.done;
  }
  const timeoutMs = flags.wait === true ? undefined : flags.wait * 1_000;
  let ended: TaskRecord;
  try {
    ended = await followTask(session, task.id, { timeoutMs, label: toOneLine(name) });
  } catch (error) {
    // The id must not get lost: the task goes on.
    const isOver = error instanceof ErrandError && error.code === 'WAIT_TIMEOUT';
    if (session.isJson) session.json(toWire(isOver ? await session.client.get(task) : task));
    else session.print(task.id);
    session.note(`The task goes on: errand logs -f ${task.id}`);
    throw error;
  }
  if (session.isJson) session.json(toWire(ended));
  else printEnded(session, ended, flags);
  return hasSucceeded(ended) ? EXIT.done : EXIT.failed;
}

function printSubmitted(session: Session, task: SubmittedTask, flags: SubmitFlags): void {
  if (session.isJson) {
    session.json(toWire(task));
  } else if (flags.quiet === true) {
    session.print(task.id);
  } else {
    // Without the scope read there is only an id.
    session.print(`${task.id}  ${toOneLine(task.name ?? '')}  ${paintWord(task.state)}`);
    session.note(toOneLine(task.message));
  }
}

/** For people: how it ended goes to standard error, so that standard output has the result alone. */
function printEnded(session: Session, task: TaskRecord, flags: SubmitFlags): void {
  const { startedAt, finishedAt, attempt, error } = task;
  const took =
    startedAt === null || finishedAt === null
      ? ''
      : ` in ${toDuration(Date.parse(finishedAt) - Date.parse(startedAt))}`;
  const tries = attempt > 1 ? `, at attempt ${attempt}` : '';
  session.note(`${task.id}  ${toOneLine(task.name)}  ${paintWord(task.state)}${took}${tries}`);
  if (flags.quiet === true) session.print(task.id);
  else if (hasSucceeded(task)) session.print(toInertJson(JSON.stringify(task.result, null, 2)));
  if (hasSucceeded(task)) return;
  if (error !== null) session.note(paint('red', toOneLine(`${error.errorType}: ${error.message}`)));
  session.note(`See errand get ${task.id} and errand logs ${task.id}`);
}
