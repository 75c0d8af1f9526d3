import { type Running, secondsToExecute } from '../before/running.ts';
import { NO_OP } from '../queues/errand.ts';
import { NUMBERS, STEPS, WORKFLOW } from './chains.ts';

/** The rates of one build, per second. */
export type Rates = { steps: number; tasks: number };

/**
 * So many workflows, whose numbers begin after `used` others, and plain tasks. These are many more, because
 * a runner takes thousands in hand at once, before the first start.
 */
export type Load = { workflows: number; used: number; tasks: number };

/**
 * Executes workflows that are all due at once, and then tasks that do nothing. Throws if a step does not
 * succeed.
 */
export async function measureMany(running: Running, { workflows, used, tasks }: Load): Promise<Rates> {
  const steps = workflows * STEPS;
  const before = await countSucceeded(running);
  const ofSteps = await secondsToExecute(running, {
    ...{ name: WORKFLOW, count: workflows, payloadOf: (index) => ({ number: NUMBERS.from + used + index }) },
  });
  const succeeded = (await countSucceeded(running)) - before;
  if (succeeded !== steps) throw new Error(`${succeeded} of ${steps} steps have succeeded`);
  const ofTasks = await secondsToExecute(running, { name: NO_OP, count: tasks, payloadOf: () => ({}) });
  return { steps: steps / ofSteps, tasks: tasks / ofTasks };
}

async function countSucceeded({ pool }: Running): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select /* bench */ count(*)::integer as count
       from errand.tasks
      where starts_with(name, $1 || '.') and state = 'succeeded'`,
    [WORKFLOW],
  );
  return rows[0]?.count ?? 0;
}
