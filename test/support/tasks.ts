import type { Pool } from 'pg';
import { isTerminal, type State } from '../../core/states.ts';
import type { Database } from '../../store/database/pool.ts';
import { type Submission, submitTasks } from '../../store/submit/submit.ts';
import { type Attempt, getTask, listAttempts, type Task } from '../../store/tasks/tasks.ts';
import { until } from './until.ts';

/** Submits tasks as the API does, with simple defaults. */
export async function submit(
  pool: Database,
  ...tasks: ({ name: string; payload: unknown } & Partial<Submission>)[]
): Promise<Task[]> {
  const submissions = tasks.map((task) => ({ ...DEFAULTS, ...task }));
  const submitted = await submitTasks(pool, submissions);
  return submitted.map(({ task }) => {
    if (task === null) throw new Error('the submission was in conflict');
    return task;
  });
}

/** The same for one task. */
export async function submitOne(
  pool: Pool,
  task: { name: string; payload: unknown } & Partial<Submission>,
): Promise<Task> {
  const [submitted] = await submit(pool, task);
  if (submitted === undefined) throw new Error('nothing was submitted');
  return submitted;
}

const DEFAULTS: Omit<Submission, 'name' | 'payload'> = {
  version: '1.0.0',
  priority: 0,
  maxAttempts: 25,
  dedup: { dedup: null, key: null },
  requestId: null,
  traceparent: null,
  mayRead: true,
  mayOperate: true,
};

/** Waits until a task has finished and gives it. */
export function finished(pool: Pool, id: string, timeoutMs?: number): Promise<Task> {
  return until(
    `task ${id} has finished`,
    async () => {
      const task = await getTask(pool, id);
      return task !== null && isTerminal(task.state) && task;
    },
    timeoutMs,
  );
}

/** Waits until a task is in a state and gives it. */
export function inState(pool: Pool, id: string, state: State, timeoutMs?: number): Promise<Task> {
  return until(
    `task ${id} is ${state}`,
    async () => {
      const task = await getTask(pool, id);
      return task?.state === state && task;
    },
    timeoutMs,
  );
}

/** The number and the outcome of each attempt of a task. */
export async function outcomes(pool: Pool, id: string): Promise<[number, Attempt['outcome']][]> {
  const attempts = await listAttempts(pool, id);
  return attempts.map(({ attempt, outcome }) => [attempt, outcome]);
}

/** How many dispatches runners have fetched that are not done. */
export async function countFetchedDispatches(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*) from errand_worker._private_jobs where locked_at is not null',
  );
  return rows[0]?.count ?? -1;
}

/** How many dispatches graphile-worker holds. */
export async function countDispatches(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*) from errand_worker._private_jobs');
  return rows[0]?.count ?? 0;
}
