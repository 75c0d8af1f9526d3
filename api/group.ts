import type { Pool } from 'pg';
import { gather } from '../core/gather.ts';
import { isConnectionFailure, isTimeout, isUnable } from '../store/pool.ts';
import { type Submission, submitTasks } from '../store/submit.ts';
import type { ApiContext } from './context.ts';

/** Single submissions that one statement writes at most, and such statements at a time. */
const GROUP = { maxItems: 100, parallel: 2 };

/**
 * Submits tasks one by one for their callers, but writes those that arrive together by one statement. When it
 * fails, each is tried alone, so that one that Postgres refuses does not fail the others; unless it failed for a
 * reason that none of them gave, and a hundred more statements would only be a hundred times the trouble.
 */
export function submitInGroups(pool: Pool): ApiContext['submitOne'] {
  return gather((submissions: Submission[]) => submitTasks(pool, submissions), {
    ...GROUP,
    isolate: (error) => !(isConnectionFailure(error) || isUnable(error) || isTimeout(error)),
  });
}
