import type { Pool } from 'pg';
import type { Handler } from '../../../core/task.ts';
import type { Runner } from '../../../runner/runner.ts';
import { registeredHandler, startTestRunner, type TestRunnerOptions } from '../../support/runner.ts';
import { until } from '../../support/until.ts';
import { define } from './one_task.ts';

type Name = `${string}.${string}`;

/** So many submissions of a name. */
export const many = (count: number, name: Name) =>
  Array.from({ length: count }, () => ({ name, payload: {} }));

/**
 * A runner of tasks with these names that notes what it starts. Unless a test wants heartbeats the next one is
 * minutes away, so that what it learns it learns from a notification, or from the ledger when it begins a dispatch.
 */
export async function startNoting(
  pool: Pool,
  names: Name[],
  handler: Handler = () => 'done',
  {
    version = '1.0.0',
    ...more
  }: Pick<TestRunnerOptions, 'concurrency' | 'leaseSecs'> & { version?: string } = {},
) {
  const started: string[] = [];
  const noted: Handler = (payload, context) => {
    started.push(context.id);
    return handler(payload, context);
  };
  const registeredHandlers = new Map(
    names.map((name) => registeredHandler(define(name, { version }), noted)),
  );
  const runner = await startTestRunner(pool, { leaseSecs: 600, ...more, registeredHandlers });
  // Its first heartbeat is over, and what was announced from here on is heard.
  await until('the runner listens', async () => {
    const { rows } = await pool.query(
      'select 1 from errand.runners where id = $1 and heartbeat_at > started_at',
      [runner.id],
    );
    return rows.length === 1;
  });
  return { runner, started };
}

/** Waits until a runner knows what of a namespace is paused. */
export function knows(runner: Runner, namespace: string, targets: string[]): Promise<unknown> {
  return until(`the runner knows that ${targets} is paused`, () => {
    return runner.pauses.of(namespace).sort().join() === targets.join();
  });
}

/** The dispatches of a name. */
export async function dispatches(pool: Pool, name: string) {
  const { rows } = await pool.query<{ key: string; attempts: number; is_locked: boolean }>(
    `select key, attempts, locked_at is not null as is_locked from errand_worker.jobs where task_identifier = $1
      order by key`,
    [name],
  );
  return rows;
}

/** How many graphile-worker pools a runner has had. */
export async function poolsOf(pool: Pool, runner: Runner): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select cardinality(pool_ids) as count from errand.runners where id = $1',
    [runner.id],
  );
  return rows[0]?.count ?? 0;
}
