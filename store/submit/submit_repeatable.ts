import { type Database, isAnswerLost } from '../database/pool.ts';
import { callSubmitted } from '../limits/call_submitted.ts';
import { TASK_COLUMNS, type Task } from '../tasks/tasks.ts';
import type { Submission } from './submit.ts';
import { submitNew } from './submit_new.ts';

/** The maximum number of tries. */
const MAX_SENDS = 3;

/**
 * Submissions that were sent and not answered. When they are submitted again, perhaps in another
 * batch, their tasks may exist already.
 */
const unanswered = new WeakSet<Submission>();

/**
 * The same as `submitNew`, for submissions that have ids. If the connection breaks and the answer
 * is lost, they are submitted again on another connection, and none becomes two tasks, because of
 * the primary key. The first statement may be in one of these states:
 *
 * - It never arrived, or was rolled back: no task has these ids, and they are submitted now.
 * - It is committed: each id is found as the task that was made, in its current state.
 * - It still runs, or arrives later: the second insert waits for the first and fails on the primary
 *   key or, by tasks_dedup_hash_key, inserts nothing. Then the ids are read once more. A submission
 *   whose id is not found is a duplicate of another one.
 */
export async function submitRepeatable(
  database: Database,
  submissions: readonly Submission[],
  lockTimeoutMs: number,
): Promise<(Task | null)[]> {
  for (let sends = 1; ; sends++) {
    const submit = submissions.some((one) => unanswered.has(one)) ? submitAgain : submitNew;
    try {
      const tasks = await submit(database, submissions, lockTimeoutMs);
      callSubmitted(database, submissions);
      return tasks;
    } catch (error) {
      if (!isAnswerLost(error) || submissions.some(({ id }) => id === undefined)) throw error;
      for (const one of submissions) unanswered.add(one);
      if (sends === MAX_SENDS) throw error;
    }
  }
}

async function submitAgain(
  database: Database,
  submissions: readonly Submission[],
  lockTimeoutMs: number,
): Promise<(Task | null)[]> {
  const found = await findTasks(database, submissions);
  const rest = submissions.filter((_one, index) => found[index] === null);
  if (rest.length === 0) return found;
  const made = (await submitUnlessMade(database, rest, lockTimeoutMs)) ?? rest.map(() => null);
  const late = made.includes(null) ? await findTasks(database, rest) : made;
  const results = rest.map((_one, index) => made[index] ?? late[index] ?? null).values();
  return found.map((task) => task ?? results.next().value ?? null);
}

/**
 * Null if one of these ids was created meanwhile: then all of the first statement was committed.
 */
async function submitUnlessMade(
  database: Database,
  submissions: readonly Submission[],
  lockTimeoutMs: number,
): Promise<(Task | null)[] | null> {
  try {
    return await submitNew(database, submissions, lockTimeoutMs);
  } catch (error) {
    if (error instanceof Error && 'constraint' in error && error.constraint === 'tasks_pkey') return null;
    throw error;
  }
}

/**
 * The tasks with the ids of these submissions, in order; null if there is none. Uses the primary
 * key.
 */
async function findTasks(database: Database, submissions: readonly Submission[]): Promise<(Task | null)[]> {
  const ids = submissions.map(({ id }) => id);
  const { rows } = await database.query<Task>({
    name: 'find_submitted',
    text: `select ${TASK_COLUMNS} from errand.tasks t where t.id = any ($1)`,
    values: [ids],
  });
  const byId = new Map(rows.map((task) => [task.id, task]));
  return ids.map((id) => (id === undefined ? null : (byId.get(id) ?? null)));
}
