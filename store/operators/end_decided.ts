import type { ErrorRecord } from '../../core/errors.ts';
import type { Database } from '../database/pool.ts';
import { cancelTasks } from './cancel.ts';

/** The maximum that one statement ends. */
const BATCH = 500;

type Code = 'LIMIT_FULL' | 'REPLACED';

const REASONS: Record<Code, string> = {
  LIMIT_FULL: 'It found no free slot, and whenFull of the limit is discard',
  REPLACED: 'A newer task needs its place, as whenFull of the limit says',
};

function errorOf(code: Code): ErrorRecord {
  return {
    ...{ error_type: 'LimitFull', message: REASONS[code], error_code: code },
    ...{ retryable: false, metadata: null, stack: null },
  };
}

/** Whether a limit has decided about tasks that have not ended yet. The table is nearly always empty. */
export async function hasDecided(database: Database): Promise<boolean> {
  const { rows } = await database.query<{ some: boolean }>({
    name: 'has_limit_ends',
    text: 'select exists (select from errand.limit_ends) as some',
  });
  return rows[0]?.some === true;
}

/**
 * Cancels the tasks that limits have decided to end (see errand.decide_full): at once, or by their runner. It may
 * run anywhere at any time. Uses the primary key.
 *
 * Each decision is removed by the statement that cancels its task. After a crash before that commit the task has
 * not ended, and another call ends it. A decision about a task that has ended meanwhile is only removed.
 */
export async function endDecided(database: Database): Promise<void> {
  for (;;) {
    const { rows } = await database.query<{ id: string; limit: string; code: Code }>({
      name: 'read_limit_ends',
      text: `
        select task_id as id, limit_name as limit, code
          from errand.limit_ends
         order by limit_name, code, task_id
         limit ${BATCH}`,
    });
    for (const [limit, ofLimit] of Map.groupBy(rows, (row) => row.limit)) {
      for (const [code, alike] of Map.groupBy(ofLimit, (row) => row.code)) {
        const act = { actor: `limit:${limit}`, reason: REASONS[code], requestId: null };
        await cancelTasks(
          database,
          alike.map(({ id }) => id),
          act,
          null,
          errorOf(code),
        );
      }
    }
    if (rows.length < BATCH) return;
  }
}
