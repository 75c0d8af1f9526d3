import type { Facts } from '../../core/explain/explain_facts.ts';
import { STARTABLE } from '../../core/states.ts';
import type { Database } from '../database/pool.ts';
import { type Visibility, visibilityValues } from '../tasks/visibility.ts';
import { FACTS } from './explain_relations.ts';
import { type FactsRow, QUEUE_READ_LIMIT, toFacts } from './explain_row.ts';

/** The maximum number of finished tasks that give the rate of a queue, and the period. */
const FINISHED_READ_LIMIT = 1_000;
const FINISHED_WITHIN_SECS = 300;

/** How many children of a list, and how many runners that are too old, are named. */
const MEMBERS_SENT = 5;

/**
 * All facts that explain the state of a task, at one moment; null if there is no task with this id
 * that the caller may see. The reads are bounded, however large the ledger is:
 *
 * - QUEUE_READ_LIMIT rows of the task's queue, by tasks_name_state_id_idx and tasks_due_idx;
 * - FINISHED_READ_LIMIT recently finished tasks, by tasks_name_finished_at_idx;
 * - QUEUE_READ_LIMIT running tasks, and as many children (a task has at most 10,000), by
 *   tasks_running_idx and tasks_parent_id_step_key;
 * - one row each of everything else by its key (the dispatch by the key of graphile-worker's jobs,
 *   the act by audit_task_id_idx), and the live runners by runners_live_idx.
 */
export async function readFacts(
  database: Database,
  id: string,
  visibility: Visibility,
): Promise<Facts | null> {
  const { rows } = await database.query<FactsRow>({
    name: 'explain_task',
    text: FACTS,
    values: [
      id,
      ...visibilityValues(visibility),
      STARTABLE,
      QUEUE_READ_LIMIT,
      FINISHED_WITHIN_SECS,
      FINISHED_READ_LIMIT,
      MEMBERS_SENT,
    ],
  });
  return rows[0] === undefined ? null : toFacts(rows[0]);
}
