import { ErrandError } from '../core/errors.ts';
import { gather } from '../core/gather.ts';
import { type Database, isConnectionFailure, isTimeout, isUnable } from '../store/pool.ts';
import { type Submission, submitTasks } from '../store/submit.ts';
import type { Api } from './call.ts';

/** Single submissions that one statement writes at most, and such statements at a time. */
const GROUP = { maxItems: 100, parallel: 2 };

/**
 * Submits tasks one by one for their callers, but writes those that arrive together by one statement. When it
 * fails, each is tried alone, so that one that Postgres refuses does not fail the others; unless it failed for a
 * reason that none of them gave, and a hundred more statements would only be a hundred times the trouble.
 */
export function submitInGroups(database: Database): Api['submitOne'] {
  return gather((submissions: Submission[]) => submitTasks(database, submissions), {
    ...GROUP,
    isolate: (error) =>
      !(error instanceof ErrandError || isConnectionFailure(error) || isUnable(error) || isTimeout(error)),
  });
}
