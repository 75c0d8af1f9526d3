import type { TaskRecord } from '../../client/index.ts';
import { bulkSchema } from '../answers.ts';
import { EXIT } from '../exit_codes.ts';
import { followTask, hasSucceeded } from '../follow.ts';
import { toOneLine } from '../output/plain.ts';
import { toWire } from '../output/wire.ts';
import { toNumberOf } from '../output/words.ts';
import type { Session } from '../session.ts';
import { requireConsent } from './consent.ts';
import type { Action, OperateOptions } from './operate_options.ts';

const DONE: Record<Action, string> = { cancel: 'cancelled or asked to end', retry: 'queued again' };

/**
 * Changes all tasks that match a filter: counts them, asks, and follows the built-in task that does a large
 * operation. Gives the exit code.
 */
export async function operateBulk(
  session: Session,
  action: Action,
  filter: Record<string, unknown>,
  options: OperateOptions,
): Promise<number> {
  const body = {
    ...(options.all === true ? { all: true } : { filter }),
    limit: options.limit,
    per_second: options.perSecond,
    canary: options.canary,
    reason: options.reason,
  };
  const send = (more: object): Promise<unknown> =>
    session.client.request('POST', `/v1/tasks/${action}`, { body: { ...body, ...more } });
  const counted = await send({ dry_run: true });
  const { matched, matched_is_estimate } = bulkSchema.parse(counted);
  const planned = Math.min(matched, options.limit ?? matched);
  const about = matched_is_estimate ? 'about ' : '';
  const sentence = `${about}${toNumberOf(matched, 'task')}${planned < matched ? `, of which the oldest ${planned}` : ''}`;
  if (options.dryRun === true || matched === 0) {
    if (session.isJson) session.json(counted);
    else session.print(`Matches ${sentence}.`);
    return EXIT.done;
  }
  await requireConsent(
    session,
    `${action === 'retry' ? 'Retry' : 'Cancel'} ${sentence}?`,
    options.yes === true,
    ', or --dry-run to count only',
  );
  const answer = await send({});
  const { changed, task, message } = bulkSchema.parse(answer);
  if (task === null) {
    if (session.isJson) session.json(answer);
    else session.print(`${toNumberOf(changed ?? 0, 'task')} ${DONE[action]}.`);
    return EXIT.done;
  }
  if (!options.follow) {
    if (session.isJson) session.json(answer);
    else session.print(`${task.id}  ${toOneLine(message)}`);
    return EXIT.done;
  }
  return await finish(session, action, task.id, answer);
}

async function finish(session: Session, action: Action, id: string, answer: unknown): Promise<number> {
  if (!session.isJson)
    session.note(`The task ${id} does it. Ctrl-C leaves it alone; errand cancel ${id} ends it.`);
  const ended: TaskRecord = await followTask(session, id, { label: action });
  const isDone = hasSucceeded(ended);
  if (session.isJson) {
    session.json({ ...(answer as object), task: toWire(ended) });
  } else if (isDone) {
    const { changed } = ended.result as { changed: number };
    session.print(`${toNumberOf(changed, 'task')} ${DONE[action]}.`);
  } else {
    const why = ended.error === null ? '' : `: ${toOneLine(ended.error.message)}`;
    session.note(`The bulk task ${id} ${ended.state}${why}`);
  }
  return isDone ? EXIT.done : EXIT.failed;
}
