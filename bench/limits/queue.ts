import type { Pool } from 'pg';
import { limitKeys } from '../../core/limits/key.ts';
import { poolRules } from '../../core/limits/pool_rules.ts';
import { OPEN } from '../../core/states.ts';
import { migrate } from '../../store/database/migrate.ts';
import { pauseQueue, resumeQueue } from '../../store/operators/queues.ts';
import type { Submission } from '../../store/submit/submit.ts';
import { submitBatch } from '../../store/submit/submit_batch.ts';
import { type Measured, startProcess } from '../process.ts';
import { benchPool } from '../queues/errand.ts';
import type { Queue } from '../queues/queue.ts';
import { untilStarted } from '../queues/started.ts';
import type { BenchServer } from '../server.ts';
import { type LimitedName, limitedTasks } from './tasks.ts';

const BATCH = 10_000;
/** As in the other parts. */
const CONCURRENCY = '60';
const OPERATOR = { actor: 'bench', reason: 'measuring', requestId: null };

/** A database with one runner of the tasks with limits. */
export type Limited = {
  pool: Pool;
  runner: Measured;
  /** The queue of one of the tasks, whose payloads have `keys` different keys, in turns. */
  queue(name: LimitedName, keys: number): Queue;
  close(): Promise<void>;
};

/** Opens an empty database, and starts one runner on it. */
export async function openLimited(server: BenchServer): Promise<Limited> {
  const { name: database, url } = await server.freshDatabase();
  const pool = benchPool(url);
  await migrate(pool);
  const environment = { DATABASE_URL: url, RUNNER_CONCURRENCY: CONCURRENCY };
  const { process: runner } = await startProcess('bench/limits/runner.ts', environment);
  return {
    ...{ pool, runner },
    queue: (name, keys) => ({
      fill: (count) => fill(pool, name, { count, keys }),
      async go() {
        const { rows } = await pool.query<{ now: string }>('select clock_timestamp()::text as now');
        await resumeQueue(pool, name, OPERATOR);
        return untilStarted(() => hasStarted(pool, name, rows[0]?.now ?? ''));
      },
      hold: async () => void (await pauseQueue(pool, name, OPERATOR)),
      isDrained: () => isDrained(pool, name),
      pids: [runner.pid],
      database,
      close: async () => {},
    }),
    async close() {
      await runner.stop();
      await pool.end();
      await server.dropDatabase(database);
    },
  };
}

/** A submission of one of the tasks. */
export function limitedSubmission(name: LimitedName, key: string): Submission {
  const { version = '1.0.0', policy } = limitedTasks.get(name)?.definition ?? {};
  const rules = poolRules(policy ?? {});
  const made = limitKeys(rules, { key });
  const none = { dedup: { dedup: null, key: null }, requestId: null, traceparent: null };
  return {
    ...{ name, version, payload: { key }, priority: 0, maxAttempts: policy?.maxAttempts ?? 25, ...none },
    // As the API does.
    limitKeys: made.ok && rules.some(({ isKeyed }) => isKeyed) ? made.keys : undefined,
  };
}

async function fill(
  pool: Pool,
  name: LimitedName,
  { count, keys }: { count: number; keys: number },
): Promise<void> {
  for (let from = 0; from < count; from += BATCH) {
    await submitBatch(
      pool,
      Array.from({ length: Math.min(BATCH, count - from) }, (_none, index) =>
        limitedSubmission(name, `key ${(from + index) % keys}`),
      ),
    );
  }
}

/** Uses tasks_name_state_id_idx and tasks_name_finished_at_idx. */
async function hasStarted(pool: Pool, name: LimitedName, since: string): Promise<boolean> {
  const { rows } = await pool.query<{ started: boolean }>(
    `select /* bench */ exists (select from errand.tasks where name = $1 and finished_at >= $2)
            or not exists (select from errand.tasks where name = $1 and state = any ($3)) as started`,
    [name, since, OPEN],
  );
  return rows[0]?.started === true;
}

/** Uses tasks_name_state_id_idx. */
async function isDrained(pool: Pool, name: LimitedName): Promise<boolean> {
  const { rows } = await pool.query<{ drained: boolean }>(
    `select /* bench */ not exists (select from errand.tasks where name = $1 and state = any ($2)) as drained`,
    [name, OPEN],
  );
  return rows[0]?.drained === true;
}
