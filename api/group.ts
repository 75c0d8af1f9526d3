import { ErrandError } from '../core/errors.ts';
import { gather } from '../core/gather.ts';
import { type Database, isConnectionFailure, isTimeout, isUnable } from '../store/pool.ts';
import { type Submission, submitTasks } from '../store/submit.ts';
import { isPlain, submitNew } from '../store/submit_new.ts';
import type { Api } from './call.ts';

/** Single submissions that one statement writes at most, their bytes unless one alone has more, and such statements at a time. */
const GROUP = { maxItems: 100, maxWeight: 1_000_000, parallel: 1 };

/**
 * Submits tasks one by one for their callers, but writes those that arrive together by one statement. When it
 * fails, each is tried alone, so that one that Postgres refuses does not fail the others; unless it failed for a
 * reason that none of them gave, and a hundred more statements would only be a hundred times the trouble.
 *
 * Most are new and plain, and have a statement to themselves; what it finds to be a duplicate goes on to the one that
 * knows what to do with these.
 */
export function submitInGroups(database: Database): Api['submitOne'] {
  const limits = {
    ...GROUP,
    weightOf: ({ bytes = 0 }: Submission) => bytes,
    isolate: (error: unknown) =>
      !(error instanceof ErrandError || isConnectionFailure(error) || isUnable(error) || isTimeout(error)),
  };
  const asNew = gather((submissions: Submission[]) => submitNew(database, submissions), limits);
  const asAny = gather((submissions: Submission[]) => submitTasks(database, submissions), limits);
  return async (submission) => {
    const task = isPlain(submission) ? await asNew(submission) : null;
    return task === null ? asAny(submission) : { outcome: 'created', task };
  };
}
