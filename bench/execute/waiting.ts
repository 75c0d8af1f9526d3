import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { errandOver, NO_OP } from '../queues/errand.ts';
import type { Queue } from '../queues/queue.ts';

const POLL_MS = 25;
/** This many executed tasks are replaced together. */
const CHUNK = 2_000;

/** A queue of Errand in which many tasks wait. */
export type Waiting = {
  /**
   * Executes about `tasks` tasks while `waiting` wait: executed tasks are replaced by new
   * submissions. Gives how many it executed per second.
   */
  executeSome(tasks: number, waiting: number): Promise<number>;
  close(): Promise<void>;
};

/** Opens such a queue on a database, with one runner. */
export async function openWaiting(database: { name: string; url: string }, pool: Pool): Promise<Waiting> {
  const queue = await errandOver(database, 1);
  return {
    async executeSome(tasks, waiting) {
      await topUp(pool, queue, waiting);
      const since = await databaseTime(pool);
      await queue.go();
      let replaced = 0;
      for (let done = 0; done < tasks; done = await countDone(pool, since)) {
        if (done - replaced >= Math.min(CHUNK, tasks / 5)) {
          await queue.fill(done - replaced);
          replaced = done;
        } else await pause(POLL_MS);
      }
      await queue.hold();
      while (await isRunning(pool)) await pause(POLL_MS);
      return rateSince(pool, since, tasks);
    },
    close: queue.close,
  };
}

/** Fills the queue until `target` tasks wait in it. */
async function topUp(pool: Pool, queue: Queue, target: number): Promise<void> {
  const missing = target - (await countQueued(pool));
  if (missing > 0) await queue.fill(missing);
  // Otherwise autovacuum would run at some time during the measurement.
  await vacuum(pool);
}

/** Does what autovacuum does with the tables that execution writes. */
export async function vacuum(pool: Pool): Promise<void> {
  await pool.query('vacuum (analyze) errand.tasks, errand_worker._private_jobs');
}

async function databaseTime(pool: Pool): Promise<string> {
  const { rows } = await pool.query<{ now: string }>('select clock_timestamp()::text as now');
  return rows[0]?.now ?? '';
}

/** Uses tasks_name_state_id_idx. */
async function countQueued(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*) from errand.tasks where name = $1 and state = 'queued'`,
    [NO_OP],
  );
  return Number(rows[0]?.count);
}

/** Uses tasks_name_state_id_idx. */
async function isRunning(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ running: boolean }>(
    `select exists (select from errand.tasks where name = $1 and state = 'running') as running`,
    [NO_OP],
  );
  return rows[0]?.running === true;
}

/** Uses tasks_name_finished_at_idx. */
async function countDone(pool: Pool, since: string): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    'select count(*) from errand.tasks where name = $1 and finished_at >= $2',
    [NO_OP, since],
  );
  return Number(rows[0]?.count);
}

/**
 * Tasks per second from the first start to the end of the task with this number, in the order of
 * ends. All tasks that ended at that instant count, because outcomes are recorded together. Uses
 * tasks_name_finished_at_idx.
 */
async function rateSince(pool: Pool, since: string, tasks: number): Promise<number> {
  const { rows } = await pool.query<{ rate: number }>(
    `with done as materialized (
       select started_at, finished_at, row_number() over (order by finished_at) as number
         from errand.tasks
        where name = $1 and finished_at >= $2
     ),
     span as (
       select min(started_at) as began, max(finished_at) filter (where number = $3::bigint) as ended from done
     )
     select (count(*) / extract(epoch from max(ended) - min(began)))::float8 as rate
       from span join done on finished_at <= ended`,
    [NO_OP, since, tasks],
  );
  return rows[0]?.rate ?? Number.NaN;
}
