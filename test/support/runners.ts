import type { Pool } from 'pg';
import { startProcess, type TestProcess } from './processes.ts';
import { until } from './until.ts';

/** The shortest accepted lease, so that tests need not wait long until a runner is missed. */
export const LEASE = { RUNNER_LEASE_SECS: '2', ABORT_GRACE_SECS: '0.5' };

/**
 * For a runner that is stopped while another works and is killed, and then takes over: it does not
 * count as lost meanwhile, however slow the machine is. It looks for lost runners every four seconds.
 */
export const OUTLASTING = { RUNNER_LEASE_SECS: '12' };

/** Starts runner processes with a short lease. */
export function startRunners(
  url: string,
  count: number,
  environment: Record<string, string> = {},
): Promise<TestProcess[]> {
  return Promise.all(
    Array.from({ length: count }, () => startProcess('runner/main.ts', url, { ...LEASE, ...environment })),
  );
}

/**
 * The duration of a task for tests that act on it while it is shown as running. That is so 250 to
 * 500 ms after its start, and a busy machine may act late.
 */
export const UNDER_WAY_MS = 3_000;

export type FixtureRunner = TestProcess & {
  /** How often the handler of each task was really called. */
  executions: Map<string, number>;
};

/** Starts a runner process that has only the tasks of test/system/crash/fixtures/tasks.ts. */
export async function startFixtureRunner(
  url: string,
  environment: Record<string, string> = {},
): Promise<FixtureRunner> {
  const started = await startProcess('test/system/crash/fixtures/runner.ts', url, {
    ...LEASE,
    ...environment,
  });
  const executions = new Map<string, number>();
  started.child.on('message', (message: { started?: { id: string } }) => {
    if (message.started === undefined) return;
    const { id } = message.started;
    executions.set(id, (executions.get(id) ?? 0) + 1);
  });
  return { ...started, executions };
}

/**
 * Waits until `count` runners are live and each has seen a complete lease of the one that has the
 * shortest: before that a runner cannot judge whether that one is dead.
 */
export async function steady(pool: Pool, count: number): Promise<void> {
  await until('the runners have seen a complete lease', async () => {
    const { rows } = await pool.query(
      `select 1 from errand.runners
        where ended_at is null
          and steady_since < now() - (select min(make_interval(secs => lease_secs)) from errand.runners where ended_at is null)`,
    );
    return rows.length === count;
  });
}

/** Waits until `count` runners have registered: from then on they handle schedules. */
export async function registered(pool: Pool, count: number): Promise<void> {
  await until(`${count} runners have registered`, async () => {
    const { rows } = await pool.query('select 1 from errand.runners where ended_at is null');
    return rows.length >= count;
  });
}

/** Waits until so many tasks are shown as running. */
export async function running(pool: Pool, count: number): Promise<void> {
  await until(`${count} tasks run`, async () => {
    const { rows } = await pool.query(`select 1 from errand.tasks where state = 'running'`);
    return rows.length === count;
  });
}

/** How many runners have ended because their lease ran out. */
export async function lostRunners(pool: Pool): Promise<number> {
  const { rows } = await pool.query(`select 1 from errand.runners where end_reason = 'lost'`);
  return rows.length;
}
