import type { SubmittedItem } from '../../client/index.ts';
import { EXIT } from '../exit_codes.ts';
import { openBatch } from '../input.ts';
import { toOneLine } from '../output/plain.ts';
import { startProgress } from '../output/progress.ts';
import { toWire } from '../output/wire.ts';
import { toCount, toNumberOf } from '../output/words.ts';
import type { Session } from '../session.ts';
import { type SubmitFlags, toSubmitOptions } from './submit_options.ts';

/** For people, this many invalid items are shown. */
const MAX_SHOWN = 20;

/**
 * Submits a task for each line of a file, in requests of 1,000. Holds only what is being sent, so a file may be
 * larger than the memory. Gives the exit code: items that are not valid make it a failure.
 */
export async function submitBatch(
  session: Session,
  name: string,
  file: string,
  flags: SubmitFlags,
): Promise<number> {
  const { count, payloads } = await openBatch(file);
  // If no API answers, this says so at once.
  await session.client.request('GET', '/live');
  const { dedupKey: _one, ...options } = toSubmitOptions(flags);
  const progress = startProgress(toOneLine(name));
  const sums = { submitted: 0, created: 0, duplicates: 0, invalid: 0 };
  const onProgress = (now: typeof sums): void => {
    Object.assign(sums, now);
    const part = count === undefined ? 0 : now.submitted / Math.max(1, count);
    const all = count === undefined ? '' : ` of ${toCount(count)}`;
    progress.update(part, `${toCount(now.submitted)}${all}`);
  };
  try {
    let index = 0;
    let invalid = 0;
    const submitted = session.persistent.submitEach(name, payloads() as AsyncIterable<never>, {
      ...options,
      onProgress,
    });
    for await (const item of submitted) {
      index++;
      if (session.isJson) session.jsonLine(toWire({ item: index, ...placed(item) }));
      else if (item.errors !== undefined && ++invalid <= MAX_SHOWN)
        printInvalid(session, placed(item), index);
    }
  } catch (error) {
    progress.stop();
    if (sums.submitted > 0)
      session.note(
        `Before the error, ${toNumberOf(sums.submitted, 'item')} had been answered: ${summaryOf(sums)}`,
      );
    throw error;
  }
  progress.stop();
  if (!session.isJson && sums.invalid > MAX_SHOWN)
    session.note(`  and ${toCount(sums.invalid - MAX_SHOWN)} more that are not valid: --json has all`);
  session.note(summaryOf(sums));
  return sums.invalid === 0 ? EXIT.done : EXIT.failed;
}

/** Its problems with their places in the item, not in the batch. */
function placed(item: SubmittedItem): SubmittedItem {
  if (item.errors === undefined) return item;
  const errors = item.errors.map(({ path, message }) => ({
    path: path.replace(/^\/items\/\d+/, ''),
    message,
  }));
  return { ...item, errors };
}

function printInvalid(session: Session, item: SubmittedItem, index: number): void {
  for (const { path, message } of item.errors ?? [])
    session.note(`item ${index}: ${toOneLine(path)} ${toOneLine(message)}`);
}

function summaryOf({
  created,
  duplicates,
  invalid,
}: {
  created: number;
  duplicates: number;
  invalid: number;
}): string {
  return `${toNumberOf(created, 'task')} created, ${toCount(duplicates)} already known, ${toCount(invalid)} not valid`;
}
