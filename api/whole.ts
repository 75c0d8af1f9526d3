import { inWords } from '../core/states.ts';
import type { Database } from '../store/pool.ts';
import { readEndedWhole } from '../store/steps.ts';
import type { Task } from '../store/tasks.ts';

/**
 * How the task has ended that a task is a part of, in words, when nothing can be done any more to a part by itself. Null
 * for all others.
 */
export async function endOfWhole(
  database: Database,
  { id, parent_id, step }: Pick<Task, 'id' | 'parent_id' | 'step'>,
): Promise<string | null> {
  const whole = parent_id === null ? null : await readEndedWhole(database, id);
  if (whole === null) return null;
  const name = step !== null && whole.depth === 1 ? 'its workflow' : 'what it is a part of';
  return `${name} ${inWords(whole.state)}`;
}
