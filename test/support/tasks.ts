import type { Pool } from 'pg';
import { isTerminal, type State } from '../../core/states.ts';
import { type Submission, submitTasks } from '../../store/submit.ts';
import { type Attempt, getTask, listAttempts, type Task } from '../../store/tasks.ts';
import { until } from './until.ts';

/** Puts tasks into the ledger as the API would; what is not given is the simplest. */
export async function submit(
  pool: Pool,
  ...tasks: ({ name: string; payload: unknown } & Partial<Submission>)[]
): Promise<Task[]> {
  const submissions = tasks.map((task) => ({ ...DEFAULTS, ...task }));
  const submitted = await submitTasks(pool, submissions);
  return submitted.map(({ task }) => {
    if (task === null) throw new Error('the submission was in conflict');
    return task;
  });
}

/** Like `submit`, for one. */
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
  runAt: null,
  delayMs: null,
  dedup: { dedup: null, key: null },
  dedupWindowMs: null,
  tags: [],
  initiator: null,
  sourceSystem: null,
  reason: null,
  requestId: null,
  traceparent: null,
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

/** The attempts of a task: number and outcome. */
export async function outcomes(pool: Pool, id: string): Promise<[number, Attempt['outcome']][]> {
  const attempts = await listAttempts(pool, id);
  return attempts.map(({ attempt, outcome }) => [attempt, outcome]);
}

/** How many rings a runner has fetched that are not over. */
export async function countFetchedRings(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*) from graphile_worker._private_jobs where locked_at is not null',
  );
  return rows[0]?.count ?? -1;
}

/** How many rings graphile-worker holds. */
export async function countRings(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('select count(*) from graphile_worker._private_jobs');
  return rows[0]?.count ?? 0;
}
